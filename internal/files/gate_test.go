package files

import "homeserver/internal/platform/identity"

// The people of the house, as the auth room recognises them.
func ada() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "ada", UserID: "ada", Role: identity.Member}
}

func bob() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "bob", UserID: "bob", Role: identity.Member}
}

func guest() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "gus", UserID: "gus", Role: identity.Guest}
}

func administrator() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "ann", UserID: "ann", Role: identity.Administrator}
}
