package machine

import "errors"

// ErrUnsupported is the error of a figure that this platform, kernel or machine does not offer.
var ErrUnsupported = errors.New("not offered by this platform")
