package files

import "sync"

// claims keeps the collector away from content that is being published right now: between the
// moment a file is renamed to its blob's place and the commit of the row that refers to it.
// Between several processes the blob's row decides (see store.insert).
type claims struct {
	mu         sync.Mutex
	publishing map[string]int           // uploads of each digest under way
	removing   map[string]chan struct{} // closed when the collector is through with the digest
}

// publish claims a digest for an upload and waits for the collector if it is removing just
// that. The caller releases it after the commit.
func (c *claims) publish(digest string) (release func()) {
	c.mu.Lock()
	for {
		removed, busy := c.removing[digest]
		if !busy {
			break
		}
		c.mu.Unlock()
		<-removed
		c.mu.Lock()
	}
	if c.publishing == nil {
		c.publishing = map[string]int{}
	}
	c.publishing[digest]++
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.publishing[digest]--; c.publishing[digest] == 0 {
			delete(c.publishing, digest)
		}
	}
}

// remove claims a digest for the collector or for a repair; false when somebody has it.
func (c *claims) remove(digest string) (release func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, busy := c.removing[digest]; busy || c.publishing[digest] > 0 {
		return nil, false
	}
	if c.removing == nil {
		c.removing = map[string]chan struct{}{}
	}
	removed := make(chan struct{})
	c.removing[digest] = removed
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.removing, digest)
		close(removed)
	}, true
}
