// Package tasks is the goroutines that last no longer than what started them: all get
// one context, all are waited for, and after that none starts. It is for package deliver.
package tasks
