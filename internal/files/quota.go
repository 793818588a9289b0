package files

import "context"

// checkQuota says whether an owner may have so many bytes more.
func (f *Files) checkQuota(context.Context, string, int64) error { return nil }
