package files

import (
	"context"
	"net/http"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// spaceBody is what an owner uses.
type spaceBody struct {
	Owner        string `json:"owner" doc:"An account; empty: the household"`
	OwnerName    string `json:"owner_name"`
	Files        int64  `json:"files" doc:"Files that are not in the trash"`
	Bytes        int64  `json:"bytes" doc:"Of these files"`
	TrashBytes   int64  `json:"trash_bytes"`
	VersionBytes int64  `json:"version_bytes" doc:"Of older versions"`
	Quota        *int64 `json:"quota" doc:"How many bytes files, trash and older versions may be together; null: no limit"`
	Warning      string `json:"warning,omitempty" doc:"A sentence, from 90 % of the quota"`
}

type storageBody struct {
	Spaces  []spaceBody `json:"spaces" nullable:"false" doc:"One's own and the household's; administrators see all"`
	Free    int64       `json:"free" doc:"Bytes that are free in the storage"`
	Total   int64       `json:"total" doc:"Its size in bytes"`
	Floor   int64       `json:"floor" doc:"Free bytes below which nothing is taken in"`
	Warning string      `json:"warning,omitempty" doc:"A sentence, when one's own quota or the storage is nearly used up"`
}

type quotaInput struct {
	Owner string `path:"owner" doc:"An account's id, or household" example:"household"`
	Body  struct {
		Quota *int64 `json:"quota" nullable:"true" minimum:"0" doc:"Bytes; null: no limit" example:"100000000000"`
	}
}

// storageRoutes mounts what tells and limits how much is used, and how long things are kept.
func (f *Files) storageRoutes(r *httpd.Router) {
	httpd.Register(r, op(identity.ListFiles, http.MethodGet, "/storage", "get-files-storage", "How much is used", ""), f.storage)
	quota := op(identity.ManageFiles, http.MethodPut, "/storage/quotas/{owner}", "set-quota", "Limit how much an owner may use", "What is stored already stays, also above the limit.")
	quota.Errors = []int{http.StatusNotFound, http.StatusUnprocessableEntity}
	httpd.Register(r, quota, f.putQuota)
	httpd.Register(r, op(identity.ManageFiles, http.MethodGet, "/settings", "get-files-settings", "How long things are kept", ""), f.getSettings)
	httpd.Register(r, op(identity.ManageFiles, http.MethodPut, "/settings", "set-files-settings", "Set how long things are kept", "All settings are set."), f.putSettings)
}

func (f *Files) storage(ctx context.Context, _ *struct{}) (*out[storageBody], error) {
	free, total, floor, err := f.space.measured(ctx, f.blobs)
	if err != nil {
		return nil, err
	}
	list, err := f.store.spaces(ctx)
	if err != nil {
		return nil, err
	}
	p := identity.From(ctx)
	body := storageBody{Spaces: []spaceBody{}, Free: free, Total: total, Floor: floor}
	own := ownedSpace{owner: p.UserID}
	for i := range list {
		if list[i].owner == p.UserID {
			own = list[i]
		}
		if p.SeesAll() || list[i].owner == p.UserID || list[i].owner == household {
			body.Spaces = append(body.Spaces, f.spaceBody(list[i].owner, &list[i].space))
		}
	}
	if own.quota == nil && p.UserID != household && own.space == (space{}) && !containsOwner(list, p.UserID) { // nothing of one's own yet
		body.Spaces = append(body.Spaces, f.spaceBody(p.UserID, &own.space))
	}
	if body.Warning = own.warning(own.owner); free <= 2*floor {
		body.Warning = "The storage is nearly full: " + humanBytes(free) + " are free, and below " + humanBytes(floor) + " nothing more is taken in. Empty the trash or delete something."
	}
	return &out[storageBody]{body}, nil
}

func containsOwner(list []ownedSpace, owner string) bool {
	for i := range list {
		if list[i].owner == owner {
			return true
		}
	}
	return false
}

func (f *Files) spaceBody(owner string, sp *space) spaceBody {
	return spaceBody{Owner: owner, OwnerName: f.lent.displayName(owner), Files: sp.files, Bytes: sp.bytes, TrashBytes: sp.trash, VersionBytes: sp.versions, Quota: sp.quota, Warning: sp.warning(owner)}
}

func (f *Files) putQuota(ctx context.Context, in *quotaInput) (*out[spaceBody], error) {
	owner := in.Owner
	if owner == rootFolder {
		owner = household
	} else if f.lent.displayName(owner) == "" {
		return nil, errs.New(errs.NotFound, "There is no such account. The household's quota is that of \"household\".")
	}
	sp, err := f.store.setQuota(ctx, owner, in.Body.Quota, f.now().UnixMicro())
	if err == nil {
		err = f.refreshQuotas(ctx)
	}
	if err != nil {
		return nil, err
	}
	limit := "no limit"
	if in.Body.Quota != nil {
		limit = humanBytes(*in.Body.Quota)
	}
	f.lent.record(ctx, "files.quota", in.Owner, limit)
	return &out[spaceBody]{f.spaceBody(owner, &sp)}, nil
}

func (f *Files) getSettings(ctx context.Context, _ *struct{}) (*out[Settings], error) {
	s, err := f.Settings(ctx)
	return &out[Settings]{s}, err
}

func (f *Files) putSettings(ctx context.Context, in *struct{ Body Settings }) (*out[Settings], error) {
	if err := f.ChangeSettings(ctx, in.Body); err != nil {
		return nil, err
	}
	f.lent.record(ctx, "files.settings", "", in.Body.String())
	return &out[Settings]{in.Body}, nil
}
