package files

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"homeserver/internal/platform/errs"
)

const (
	// quotaWarn is from which part of a quota, in hundredths, people are warned: there is still
	// room for what they are just doing.
	quotaWarn = 90
	// roomEvery is how many bytes of an upload may come between two looks at the free space.
	roomEvery = 64 << 20
	// typeQuota is the type of the problem that a quota is used up.
	typeQuota = "quota"
)

// used is all that an owner's tree takes: files, what is in the trash, older versions.
func (sp *space) used() int64 { return sp.bytes + sp.trash + sp.versions }

// fits refuses more bytes than the quota of the space allows. In a transaction that holds the
// space (lockSpaces) nobody else can take the room meanwhile.
func (sp *space) fits(owner string, more int64) error {
	if sp.quota == nil || more <= 0 || more <= *sp.quota-sp.used() {
		return nil
	}
	return sp.full(owner, "These "+humanBytes(more)+" do")
}

// full says in a sentence what does not fit into the quota, and why.
func (sp *space) full(owner, what string) error {
	whose := "that are yours"
	if owner == household {
		whose = "that the household has"
	}
	also := ""
	if sp.trash > 0 {
		also += fmt.Sprintf(", %s of it in the trash", humanBytes(sp.trash))
	}
	if sp.versions > 0 {
		also += fmt.Sprintf(", %s of it in older versions", humanBytes(sp.versions))
	}
	return errs.Typed(errs.StorageFull, typeQuota, fmt.Sprintf("%s not fit into the %s %s: %s are in use%s. Nothing was stored. Delete something and empty the trash, or ask an administrator for more room.",
		what, humanBytes(*sp.quota), whose, humanBytes(sp.used()), also))
}

// warning says in a sentence that a quota is nearly used up; "" while it is not.
func (sp *space) warning(owner string) string {
	if sp.quota == nil || float64(sp.used()) < float64(*sp.quota)*quotaWarn/100 {
		return ""
	}
	whose := "you have"
	if owner == household {
		whose = "the household has"
	}
	return fmt.Sprintf("Of the %s that %s, %s are in use. Empty the trash or delete something before the room is used up.", humanBytes(*sp.quota), whose, humanBytes(sp.used()))
}

// reserve refuses bytes that come to an owner's tree, which the transaction holds, if they do
// not fit into the quota.
func (c *changing) reserve(owner string, bytes int64) error {
	sp := c.spaces[owner]
	if sp.quota == nil { // nearly always
		return nil
	}
	if err := sp.fits(owner, bytes); err != nil {
		return err
	}
	sp.bytes += bytes
	c.spaces[owner] = sp
	return nil
}

// quotas knows whose use is limited, for those who must not ask a database each time.
type quotas struct {
	mu  sync.Mutex
	set map[string]bool
}

func (q *quotas) has(owner string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.set[owner]
}

func (q *quotas) replace(owners []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.set = map[string]bool{}
	for _, owner := range owners {
		q.set[owner] = true
	}
}

// refreshQuotas reads from the database who has a quota.
func (f *Files) refreshQuotas(ctx context.Context) error {
	owners, err := f.store.withQuota(ctx)
	if err == nil {
		f.quotas.replace(owners)
	}
	return err
}

// checkQuota says, before anything is taken in, whether an owner may have so many bytes more.
// The transaction that stores them asks again (space.fits).
func (f *Files) checkQuota(ctx context.Context, owner string, bytes int64) error {
	if !f.quotas.has(owner) {
		return nil
	}
	sp, err := f.store.space(ctx, owner)
	if err != nil {
		return err
	}
	return sp.fits(owner, max(bytes, 1))
}

// allowance is how many bytes more an owner may have.
func (f *Files) allowance(ctx context.Context, owner string) (int64, error) {
	if !f.quotas.has(owner) {
		return math.MaxInt64, nil
	}
	sp, err := f.store.space(ctx, owner)
	if err != nil || sp.quota == nil {
		return math.MaxInt64, err
	}
	return max(*sp.quota-sp.used(), 0), nil
}

// roomFor says, before anything is taken in, whether size bytes more fit into the storage, above
// the floor, and into the owner's quota. Of a length that is not known yet it only asks whether
// there is room at all.
func (f *Files) roomFor(ctx context.Context, owner string, size int64) error {
	if err := f.space.check(ctx, f.blobs, max(size, 0)); err != nil {
		return err
	}
	return f.checkQuota(ctx, owner, size)
}

// roomReader reads an upload whose length nobody has said: it ends when the quota or the
// storage has no more room, not when the disk is full to the last byte.
type roomReader struct {
	io.Reader
	ctx    context.Context //nolint:containedctx // of the request that is read
	f      *Files
	owner  string
	left   int64 // of the quota
	unseen int64 // bytes since the last look at the free space
}

// admitted is content that comes in for a destination, of size bytes at least, if there is room
// for it in the quota of whoever owns that; fields that follow it may still change their mind,
// and the transaction asks again.
func (f *Files) admitted(ctx context.Context, content io.Reader, to destination, size int64) (io.Reader, error) {
	u := &upload{}
	if err := f.aim(ctx, u, to); err != nil {
		return nil, err
	}
	if err := f.checkQuota(ctx, u.Owner, size); err != nil {
		return nil, err
	}
	left, err := f.allowance(ctx, u.Owner)
	return &roomReader{Reader: content, ctx: ctx, f: f, owner: u.Owner, left: left}, err
}

func (r *roomReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.left -= int64(n)
	r.unseen += int64(n)
	if r.left < 0 {
		sp, err := r.f.store.space(r.ctx, r.owner)
		if err != nil {
			return 0, err
		}
		if sp.quota != nil {
			return 0, sp.full(r.owner, "This file does")
		}
		r.left = math.MaxInt64 // the quota has been lifted meanwhile
	}
	if r.unseen >= roomEvery {
		r.unseen = 0
		if full := r.f.space.check(r.ctx, r.f.blobs, 0); errs.Is(full, errs.StorageFull) {
			return 0, full
		}
	}
	return n, err
}

// parseSize reads a size as people write it: 512MB, 2 GiB, 1000000.
func parseSize(text string) (int64, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "BKMGTI ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	unit, known := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}[strings.TrimSpace(text[len(digits):])]
	if !known || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}
