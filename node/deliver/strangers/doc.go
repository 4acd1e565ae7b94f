// Package strangers bounds what people who are not contacts may leave on the direct
// path: each of them a little, and all of them together not much more. It is for
// package deliver.
package strangers
