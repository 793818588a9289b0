package files

import (
	"context"

	"homeserver/internal/platform/identity"
)

// rootFolder is the id of the household's root; the root of an account bears the account's id.
const rootFolder = "household"

// rootOf is the id of the root of an owner's tree.
func rootOf(owner string) string {
	if owner == household {
		return rootFolder
	}
	return owner
}

// changeType says in the feed what happened to an item.
type changeType string

// The types of changes. What a reader of the feed may no longer see is told to them as removed.
const (
	changeCreated  changeType = "created"
	changeContent  changeType = "content" // replaced by other content
	changeRenamed  changeType = "renamed"
	changeMoved    changeType = "moved"
	changeTagged   changeType = "tagged"
	changeShared   changeType = "shared"
	changeTrashed  changeType = "trashed"
	changeRestored changeType = "restored"
	changeRemoved  changeType = "removed" // destroyed
	changeDamaged  changeType = "damaged"
	changeHealed   changeType = "healed"
)

// itemKind tells files from folders.
type itemKind string

const (
	kindFile   itemKind = "file"
	kindFolder itemKind = "folder"
)

// change is a row of the feed.
type change struct {
	Type     changeType
	Kind     itemKind
	ID       string
	Folder   string // where the item is now, or was last
	Name     string
	Owner    string
	Audience string  // who may see the item now
	Was      *string // who could see it before, if others
	Actor    string  // the account that did it; "" for the household
	Revision int64
}

// manyChanges are rows of the feed for files of a large folder, which the database writes itself.
type manyChanges struct {
	what  changeType
	n     int64  // how many there are
	files string // FROM and WHERE of the files; its placeholders begin with $5
	args  []any
}

// folderCounts is what lies in a folder and below it.
type folderCounts struct {
	counts
	folders int64
}

// spaceCounts is what an owner uses.
type spaceCounts struct {
	counts         // live
	trash    int64 // bytes
	versions int64 // bytes
}

// changeSet collects what a transaction changes beside the rows of files and folders
// themselves: tags, the counters of audiences, folders and spaces, and the feed. The
// transaction locks the spaces it touches first (store.lockSpaces) and applies the set last.
type changeSet struct {
	actor   string // who does it; may change between two calls
	tags    *tagChanges
	usage   countsBy
	folders map[string]folderCounts // what is to be added to a folder and all above it
	spaces  map[string]spaceCounts
	feed    []change
	many    []manyChanges // come after those
	healed  []string      // digests of content that is well again
	sinks   bool          // a large folder goes to the trash
}

// newChangeSet begins a set of what the principal of ctx does.
func newChangeSet(ctx context.Context) *changeSet {
	return &changeSet{actor: identity.From(ctx).UserID, tags: newTagChanges(), usage: countsBy{}, folders: map[string]folderCounts{}, spaces: map[string]spaceCounts{}}
}

// applied is what a transaction changed, for f.done after its COMMIT.
type applied struct {
	counts countsBy // the counters that changed, as they are now
	seq    int64    // of the last change in the feed; 0 when there was none
	healed []string // digests of content that is well again
	sinks  bool     // a large folder went to the trash
}

// done tells those who wait, after COMMIT, what has changed.
func (f *Files) done(a applied) {
	f.usage.set(a.counts, a.seq)
	for _, digest := range a.healed {
		f.care.damaged.set(digest, false)
	}
	if a.sinks {
		f.sinkSoon()
	}
	if a.seq > 0 && f.onChange != nil {
		f.onChange(a.seq)
	}
}

// added counts a file that is live from now on.
func (s *changeSet) added(f *File, what changeType) {
	s.tags.add(f)
	s.count(f, 1)
	s.note(f, what, nil)
}

// removed counts a file that is no longer live; what tells whether it is in the trash.
func (s *changeSet) removed(f *File, what changeType) {
	s.tags.remove(f)
	s.count(f, -1)
	s.note(f, what, nil)
}

// changed counts what became of a live file.
func (s *changeSet) changed(old, now *File, what changeType) {
	s.tags.change(old, now)
	s.count(old, -1)
	s.count(now, 1)
	var was *string
	if old.audience != now.audience {
		was = &old.audience
	}
	s.note(now, what, was)
}

// count adds a live file to its audience, folder and space, or with sign -1 takes it away.
func (s *changeSet) count(f *File, sign int64) {
	s.usage.count(f, sign)
	by := counts{sign, sign * f.Size}
	s.inFolder(f.Folder, folderCounts{counts: by})
	s.inSpace(f.Owner, spaceCounts{counts: by})
}

// note adds a file to the feed.
func (s *changeSet) note(f *File, what changeType, was *string) {
	s.feed = append(s.feed, change{Type: what, Kind: kindFile, ID: f.ID, Folder: f.Folder, Name: f.Name, Owner: f.Owner, Audience: f.audience, Was: was, Actor: s.actor, Revision: f.Revision})
}

// inFolder adds to the totals of a folder and of all above it.
func (s *changeSet) inFolder(id string, by folderCounts) {
	c := s.folders[id]
	c.add(by.counts)
	c.folders += by.folders
	s.folders[id] = c
}

// inSpace adds to what an owner uses.
func (s *changeSet) inSpace(owner string, by spaceCounts) {
	c := s.spaces[owner]
	c.add(by.counts)
	c.trash += by.trash
	c.versions += by.versions
	s.spaces[owner] = c
}
