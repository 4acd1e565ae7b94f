// Package store keeps the node's state in one encrypted SQLite file: contacts,
// conversations, messages, MLS state, keys, outbox and inbox.
//
// It is for the packages below node; nothing outside node imports it. It is a
// place to keep bytes and their order, and knows as little as possible of what
// they mean: it parses no card, frame or MLS object, sends nothing, and starts
// no goroutine.
//
// Each table has one file, with its row as a struct and its methods of Tx. How
// transactions, the file and its encryption work is in package database, what lies in
// a home in package home, both below this one. An old copy of the whole home put back
// looks the same as that home: node/profile finds out.
//
// # Tables, their files, and their bounds
//
// Their columns are in package tables, as a list of steps: append one, and never edit
// one that was released. TestPlans calls every method and refuses a statement that
// goes through a table that can be large, so a missing index is found.
//
// Messages as a conversation shows them are found by entry.go, and by search.go. The
// store enforces no bound. What bounds each table today, in the packages above, and
// what nothing bounds:
//
//	meta             meta.go         a fixed set of keys
//	accounts         account.go      one per relay: the user registers them (node/accounts)
//	contacts         contact.go      nothing: the user adds them, and so does whoever shows a
//	                                 hello pass of ours (node/known) or is in a group with us
//	                                 (node/talk); nothing removes one
//	requests         request.go      50 that wait, and those that the user refused in the last 30
//	                                 days (node/convo)
//	blocked          block.go        nothing: the user blocks people
//	relays           relay.go        four: node/front/homes refuses more; the user may forget one
//	endpoints        endpoint.go     one per contact
//	hybrid_keys      hybridkey.go    one a week, erased two weeks after it was replaced (node/keys)
//	peer_hybrid_keys hybridkey.go    one per contact; Sweep drops those long expired
//	key_packages     keypackage.go   erased when a Welcome uses them, those of last resort not, and
//	                                 all after 30 days (Sweep, node/keys); until then 21 a week
//	                                 for each relay, and 30 an hour are handed out here (node/serve)
//	conversations    conversation.go one per contact and group; nothing removes one
//	groups           group.go        at most eight per conversation; those that lost go after a week
//	                                 (node/convo), with their epochs and records
//	epochs           epoch.go        one per group of a pair; of others those that node/group may
//	                                 come back to, at most for a week
//	commits          commit.go       those of the groups we are in; two of one member in one epoch
//	                                 on which nobody has built, 4,096 that hang in the air (node/cards)
//	seats            seat.go         one per member of a group
//	intents          intent.go       what the user wants of groups, until it is so (node/plan)
//	audience         audience.go     one per member and own message to a group; only that of who has left
//	                                 without a receipt is taken out (node/audience)
//	mls_records      epoch.go        per epoch what package mls saves, and the keys of messages
//	                                 that were skipped, at most mls.MaxKept of a sender
//	passes           pass.go         four per contact; Sweep drops those that have ended
//	passes_given     pass.go         one per contact
//	events           event.go        those of the last 16,384 ids
//	messages         message.go      entries: nothing, kept for good, and a contact may send any number;
//	                                 marks on them: one of a kind, author and entry, and 256 of
//	                                 an author that wait for their entry (node/timeline); what is left of
//	                                 erased ones goes after 60 days (Sweep of node/convo)
//	searchable       search.go       one per entry that is indexed, and its text in search (FTS5);
//	                                 taken out with it
//	outbox           outbox.go       per contact one row for each message of ours without a receipt,
//	                                 of which Send allows 10,000 and Sweep gives up those of 30
//	                                 days; those given up that the contact asks for again; one
//	                                 introduction, one card, one Welcome per group
//	parcels          parcel.go       what rows of the outbox and intents share; goes with the
//	                                 last of them
//	inbox            inbox.go        10,000 rows and 256 MiB (node/deliver/inbox); of these 1000 and 64
//	                                 MiB may wait for a key, 64 rows of one depositor on the direct
//	                                 path, for a week (Sweep), and some 600 be mail that is not
//	                                 opened yet
//	seen             inbox.go        one per payload that was applied, for 45 days (Sweep)
//	receipts_due     receipt.go      two per counter that came in, of which one if it was read; nothing
//	                                 but a receipt that got through removes it (DeleteReceiptsDue)
package store
