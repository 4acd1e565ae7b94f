// Package relaycmd is the commands of who hosts a relay: qpc relay. They run one,
// ask one that runs, or work on the files of one that is stopped.
package relaycmd
