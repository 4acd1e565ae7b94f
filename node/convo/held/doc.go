// Package held keeps epochs of groups in memory, so that not each message reads a whole
// tree from the store. It is for package convo.
package held
