// Package sessions keeps the tokens of our sessions at relays, and lets calls wait for a
// login. It is for package deliver.
package sessions
