// The other side of TestInteropOpaque: @serenity-kit/opaque (opaque-ke in wasm).
// It answers lines of JSON with lines of JSON; messages are base64url.
import { createInterface } from "node:readline";
import * as opaque from "@serenity-kit/opaque";

await opaque.ready;
const { client, server } = opaque;
const setup = server.createSetup();
const keyStretching = { "argon2id-custom": { iterations: 3, memory: 65536, parallelism: 4 } };
let registration, login, loginServer;

const steps = {
  registerStart({ password }) {
    const r = client.startRegistration({ password });
    registration = r.clientRegistrationState;
    return r.registrationRequest;
  },
  registerFinish({ password, message }) {
    return client.finishRegistration({
      password, keyStretching, clientRegistrationState: registration, registrationResponse: message,
    }).registrationRecord;
  },
  loginStart({ password }) {
    const r = client.startLogin({ password });
    login = r.clientLoginState;
    return r.startLoginRequest;
  },
  loginFinish({ password, message }) {
    const r = client.finishLogin({ password, keyStretching, clientLoginState: login, loginResponse: message });
    return r ? r.finishLoginRequest : "";
  },
  serveRegister({ name, message }) {
    return server.createRegistrationResponse({
      serverSetup: setup, userIdentifier: name, registrationRequest: message,
    }).registrationResponse;
  },
  serveLogin({ name, record, message }) {
    const r = server.startLogin({
      serverSetup: setup, userIdentifier: name, registrationRecord: record || null, startLoginRequest: message,
    });
    loginServer = r.serverLoginState;
    return r.loginResponse;
  },
  serveLoginFinish({ message }) {
    return server.finishLogin({ serverLoginState: loginServer, finishLoginRequest: message }).sessionKey ? "AQ" : "";
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  let answer;
  try {
    answer = { message: steps[step.step](step) };
  } catch (err) {
    answer = { error: String(err) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
