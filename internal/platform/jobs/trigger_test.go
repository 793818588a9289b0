package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

func TestTriggerRunsNowOnOneCopy(t *testing.T) {
	for name, url := range map[string]string{"sqlite": sqldbtest.SQLite(t), "postgres": sqldbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			var running atomic.Int32
			ran := make(chan string, 100)
			add := func(copyName string) *jobs.Workers {
				w := jobs.New(open(t, url), nil)
				w.Every("work", time.Hour, func(context.Context) error {
					if running.Add(1) != 1 {
						t.Error("two copies at once")
					}
					ran <- copyName
					running.Add(-1)
					return nil
				})
				return w
			}
			first, second := add("first"), add("second")
			defer start(t, first)()
			defer start(t, second)()
			first.Trigger("no such job")
			for range 5 {
				first.Trigger("work")
				for <-ran != "first" {
				}
				second.Trigger("work")
				for <-ran != "second" {
				}
			}
		})
	}
}

func TestStoppingHandsTheJobOverAtOnce(t *testing.T) {
	for name, url := range map[string]string{"sqlite": sqldbtest.SQLite(t), "postgres": sqldbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			began := make(chan struct{}, 9)
			first := jobs.New(open(t, url), nil)
			first.Every("work", time.Hour, func(ctx context.Context) error {
				began <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			})
			stop := start(t, first)
			first.Trigger("work")
			<-began
			stop()
			ran := make(chan struct{}, 9)
			second := jobs.New(open(t, url), nil)
			second.Every("work", time.Hour, func(context.Context) error { ran <- struct{}{}; return nil })
			defer start(t, second)()
			second.Trigger("work")
			<-ran // long before the lease of a minute would have ended, or the test times out
		})
	}
}

func TestTheWorkGoesOnWhenTheDatabaseComesBack(t *testing.T) {
	cluster := sqldbtest.StartCluster(t)
	w := jobs.New(open(t, cluster.URL), nil)
	ran := make(chan struct{}, 9)
	w.Every("work", time.Hour, func(context.Context) error { ran <- struct{}{}; return errors.New("as if") })
	defer start(t, w)()
	w.Trigger("work")
	<-ran
	cluster.Crash()
	w.Trigger("work")
	cluster.Start()
	<-ran
}
