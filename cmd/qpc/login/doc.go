// Package login begins a session at a relay for a chat that was started with a user
// name: the session that is kept, else the password, and a new account if the user
// says so.
//
// It is for command qpc. Never is an account made unasked, and the password goes to
// nobody: package proof makes of it what the relay is told.
package login
