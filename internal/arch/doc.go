// Package arch holds the house's import law and measures as an executable test; there is no
// other code in it. The law is told in doc/design.md.
package arch
