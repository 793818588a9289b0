package files

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// maxDamaged is how many damaged contents the report names.
	maxDamaged = 500
	// maxConcerned is how many files of one damaged content the report names.
	maxConcerned = 100
	// healedShown is how long healed damage stays in the report.
	healedShown = 30 * 24 * time.Hour
)

// integrityBody says how well the content is.
type integrityBody struct {
	Files        int64         `json:"files" doc:"Files whose content was found good when everything was last read" example:"41203"`
	Bytes        int64         `json:"bytes" doc:"Content that was read then" example:"812345678901"`
	LastFinished *time.Time    `json:"last_finished" doc:"When everything had been read; null before the first time"`
	Running      *passBody     `json:"running" doc:"The reading that is under way; null when none is. Everything is read about once a month, in small portions"`
	Damaged      []damagedBody `json:"damaged" nullable:"false" doc:"Damaged content of files that one may read, and what was healed in the last 30 days"`
	DamagedNow   int           `json:"damaged_now" doc:"How many of them are not healed"`
}

type passBody struct {
	Started time.Time `json:"started"`
	Files   int64     `json:"files" doc:"Found good so far"`
	Bytes   int64     `json:"bytes" doc:"Read so far"`
	OfBytes int64     `json:"of_bytes" doc:"To be read altogether"`
	Fast    bool      `json:"fast" doc:"Whether somebody asked for it to be quick"`
}

type damagedBody struct {
	SHA256   string        `json:"sha256"`
	Kind     string        `json:"kind" enum:"wrong_content,missing,unreadable" doc:"The content is not what was stored; nothing is there; or the drive cannot read it"`
	Size     int64         `json:"size" doc:"Bytes"`
	FoundAt  time.Time     `json:"found_at"`
	Place    string        `json:"place,omitempty" doc:"Where the wrong content was put aside, below the storage directory; for administrators" example:"quarantine/5891b5b5.20261124T030000"`
	HealedAt *time.Time    `json:"healed_at" doc:"null while it is damaged"`
	HealedBy string        `json:"healed_by,omitempty" example:"the same content was uploaded again"`
	Files    []damagedFile `json:"files" nullable:"false" doc:"Files with this content, of those that one may read; at most 100"`
}

type damagedFile struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version bool   `json:"version,omitempty" doc:"Only an older version of the file is concerned"`
	Trashed bool   `json:"trashed,omitempty" doc:"The file is in the trash"`
}

// integrityRoutes mounts what tells how well the content is.
func (f *Files) integrityRoutes(r *httpd.Router) {
	httpd.Register(r, op(identity.ReadMonitoring, http.MethodGet, "/integrity", "get-integrity", "How well the content is",
		"All content is read again about once a month and compared with its digest; what is damaged is named here."), f.integrity)
	scrub := op(identity.ManageFiles, http.MethodPost, "/integrity/scrub", "scrub-now", "Read all content now",
		"Begins at the first content and does not wait for the month. It still lets everybody else's work go first.")
	scrub.DefaultStatus = http.StatusAccepted
	httpd.Register(r, scrub, f.scrubNow)
}

func (f *Files) scrubNow(ctx context.Context, _ *struct{}) (*out[integrityBody], error) {
	if err := f.ScrubNow(ctx); err != nil {
		return nil, err
	}
	f.lent.record(ctx, "files.scrub", "", "")
	return f.integrity(ctx, nil)
}

func (f *Files) integrity(ctx context.Context, _ *struct{}) (*out[integrityBody], error) {
	p, err := f.store.scrubPass(ctx)
	if err != nil {
		return nil, err
	}
	body := integrityBody{Files: p.last.files, Bytes: p.last.bytes, LastFinished: momentOf(p.finished), Damaged: []damagedBody{}}
	if p.running() {
		stored, err := f.storedContent(ctx)
		if err != nil {
			return nil, err
		}
		body.Running = &passBody{Started: *momentOf(p.started), Files: p.verified.files, Bytes: p.verified.bytes, OfBytes: stored.bytes, Fast: p.fast}
	}
	list, err := f.store.damages(ctx, viewOf(identity.From(ctx)), f.now().Add(-healedShown).UnixMicro(), maxDamaged)
	if err != nil {
		return nil, err
	}
	for i := range list {
		shown, err := f.damagedBody(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		if shown == nil {
			continue
		}
		if body.Damaged = append(body.Damaged, *shown); shown.HealedAt == nil {
			body.DamagedNow++
		}
	}
	return &out[integrityBody]{body}, nil
}

// damagedBody is what of a damage the principal of ctx may know: nil when it concerns no file
// of theirs.
func (f *Files) damagedBody(ctx context.Context, d *damage) (*damagedBody, error) {
	p := identity.From(ctx)
	body := &damagedBody{SHA256: d.SHA256, Kind: string(d.kind), Size: d.size, FoundAt: *momentOf(d.found), HealedAt: momentOf(d.healed), HealedBy: d.healedBy, Files: []damagedFile{}}
	list, err := f.store.concerned(ctx, viewOf(p), d.SHA256, maxConcerned)
	if err != nil {
		return nil, err
	}
	for i := range list {
		row := &list[i]
		action, older := identity.ReadFile, row.SHA256 != d.SHA256
		if older {
			action = identity.ReadVersions
		}
		if identity.Allow(p, action, row.Object()) {
			body.Files = append(body.Files, damagedFile{ID: row.ID, Name: row.Name, Version: older, Trashed: row.hidden})
		}
	}
	if !p.SeesAll() && len(body.Files) == 0 {
		return nil, nil
	}
	if p.SeesAll() {
		body.Place = d.place
	} else {
		body.HealedBy = "" // it may name a place on the server
	}
	return body, nil
}

// momentOf is a time in microseconds, nil for 0.
func momentOf(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := time.UnixMicro(micros).UTC()
	return &t
}
