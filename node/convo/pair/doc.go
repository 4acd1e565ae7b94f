// Package pair is what two people can say of their conversation without asking each
// other: its name, and what marks its MLS groups. It is for package convo and those who
// look a conversation up.
package pair
