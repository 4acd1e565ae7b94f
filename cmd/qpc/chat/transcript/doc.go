// Package transcript reads a conversation with the names of those who wrote in it, and
// writes all of one, as text or as JSON.
//
// It is for the chat, and the commands that are the same. It marks nothing as read.
package transcript
