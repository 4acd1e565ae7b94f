package gate

import (
	"errors"
	"fmt"
	"io"
	"strings"

	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"
)

// admit says whether the library gets a message. An error ends the
// connection.
func (g *Gate) admit(msg rpccp.Message) (bool, error) {
	switch msg.Which() {
	case rpccp.Message_Which_bootstrap:
		b, err := part(msg.Bootstrap())
		if err != nil {
			return false, fmt.Errorf("read bootstrap: %w", err)
		}
		return true, g.asking(b.QuestionId(), true)
	case rpccp.Message_Which_call:
		call, err := part(msg.Call())
		if err != nil {
			return false, fmt.Errorf("read call: %w", err)
		}
		return true, g.admitCall(call)
	case rpccp.Message_Which_return:
		ret, err := part(msg.Return())
		if err != nil {
			return false, fmt.Errorf("read return: %w", err)
		}
		return true, g.admitReturn(ret)
	case rpccp.Message_Which_finish:
		fin, err := part(msg.Finish())
		if err != nil {
			return false, fmt.Errorf("read finish: %w", err)
		}
		return true, g.finishing(fin.QuestionId())
	case rpccp.Message_Which_release:
		if _, err := part(msg.Release()); err != nil {
			return false, fmt.Errorf("read release: %w", err)
		}
		return true, nil
	case rpccp.Message_Which_unimplemented:
		return false, nil // nothing we send is optional to us
	case rpccp.Message_Which_abort:
		return false, abortReason(msg)
	default:
		return false, fmt.Errorf("message %v is not part of NodeService", msg.Which())
	}
}

// part refuses a part of a message that is missing, which the library takes for
// granted: a null pointer reads as a struct without a message.
func part[T interface{ IsValid() bool }](t T, err error) (T, error) {
	if err == nil && !t.IsValid() {
		err = errors.New("part is missing")
	}
	return t, err
}

// abortReason is why the other side says that it ends the connection.
func abortReason(msg rpccp.Message) error {
	e, err := msg.Abort()
	if err != nil {
		return fmt.Errorf("read abort: %w", err)
	}
	text, err := e.Reason()
	if err != nil {
		return fmt.Errorf("read abort: %w", err)
	}
	if strings.HasSuffix(text, "connection closed") {
		return io.EOF // how the library says goodbye
	}
	return fmt.Errorf("other side aborted: %s", CleanText(text))
}

// admitCall checks that a call goes to our bootstrap and carries no
// capabilities.
func (g *Gate) admitCall(call rpccp.Call) error {
	if call.SendResultsTo().Which() != rpccp.Call_sendResultsTo_Which_caller {
		return errors.New("call with results for somebody else")
	}
	params, err := part(call.Params())
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	caps, err := params.CapTable()
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if caps.Len() != 0 {
		return errors.New("call with capabilities")
	}
	target, err := part(call.Target())
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if target.Which() == rpccp.MessageTarget_Which_promisedAnswer {
		if err := g.admitPromised(target); err != nil {
			return err
		}
	}
	return g.asking(call.QuestionId(), false)
}

// admitPromised checks a call on an answer: the only one that can be called is
// the answer to bootstrap.
func (g *Gate) admitPromised(target rpccp.MessageTarget) error {
	p, err := part(target.PromisedAnswer())
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	path, err := p.Transform()
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.answers[p.QuestionId()]
	if a == nil || !a.bootstrap || a.finished || path.Len() != 0 {
		return errors.New("call on an answer other than bootstrap")
	}
	return nil
}

// admitReturn checks that a return answers a question of ours that is
// completely sent: the library would panic on an early one. Only the answer
// to bootstrap may hold a capability, and just one that the other side hosts.
func (g *Gate) admitReturn(ret rpccp.Return) error {
	bootstrap, err := g.returning(ret.AnswerId())
	if err != nil {
		return err
	}
	switch ret.Which() {
	case rpccp.Return_Which_results:
	case rpccp.Return_Which_exception:
		if _, err := part(ret.Exception()); err != nil {
			return fmt.Errorf("read return: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("return %v is not part of NodeService", ret.Which())
	}
	results, err := part(ret.Results())
	if err != nil {
		return fmt.Errorf("read return: %w", err)
	}
	caps, err := results.CapTable()
	if err != nil {
		return fmt.Errorf("read return: %w", err)
	}
	if caps.Len() == 0 {
		return nil
	}
	if !bootstrap || caps.Len() > 1 || caps.At(0).Which() != rpccp.CapDescriptor_Which_senderHosted {
		return errors.New("return with unexpected capabilities")
	}
	return nil
}
