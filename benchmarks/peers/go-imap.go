// go-imap, as Debian has it: with a configuration of TLS that all connections share.
package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap"
	"github.com/emersion/go-imap/client"
	"github.com/emersion/go-sasl"
)

// session is a client, and how its IDLE is ended.
type session struct {
	*client.Client
	stop chan struct{}
	done chan error
}

func connect(j job) (*session, error) {
	context, err := j.context()
	if err != nil {
		return nil, err
	}
	var c *client.Client
	if j.TLS == "implicit" {
		c, err = client.DialTLS(j.where(), context)
	} else if c, err = client.Dial(j.where()); err == nil {
		err = c.StartTLS(context)
	}
	if err != nil {
		return nil, err
	}
	return &session{Client: c}, c.Authenticate(sasl.NewPlainClient("", j.User, j.Password))
}

func leave(s *session) error { return s.Logout() }

func fetch(j job, sessions []*session) error {
	s := sessions[0]
	if _, err := s.Select(j.Mailbox, false); err != nil {
		return err
	}
	count, err := s.fetch(j.Messages, strings.Trim(j.Items, "()"))
	if err == nil && count < j.Count {
		err = fmt.Errorf("%d messages of %d", count, j.Count)
	}
	return err
}

func (s *session) fetch(messages, item string) (int, error) {
	wanted, err := imap.ParseSeqSet(messages)
	if err != nil {
		return 0, err
	}
	found, done := make(chan *imap.Message, 10), make(chan error, 1)
	go func() { done <- s.Fetch(wanted, []imap.FetchItem{imap.FetchItem(item)}, found) }()
	count := 0
	for range found {
		count++
	}
	return count, <-done
}

func idle(_ job, sessions []*session) error {
	for _, s := range sessions {
		if _, err := s.Select("INBOX", false); err != nil {
			return err
		}
		s.stop, s.done = make(chan struct{}), make(chan error, 1)
		go func(s *session) { s.done <- s.Idle(s.stop, nil) }(s)
	}
	time.Sleep(time.Second) // it does not say when the server has answered
	return nil
}

func burst(_ job, sessions []*session) error {
	for _, s := range sessions {
		if s.stop != nil {
			close(s.stop)
			s.stop = nil
			if err := <-s.done; err != nil {
				return err
			}
		}
		if _, err := s.Select("INBOX", false); err != nil {
			return err
		}
		if _, err := s.fetch("1", "BODY[]"); err != nil {
			return err
		}
	}
	return nil
}

func rest(j job, _ []*session) error {
	time.Sleep(time.Duration(j.Count) * time.Second)
	return nil
}

func main() {
	operations := map[string]func(job, []*session) error{"fetch": fetch, "idle": idle, "burst": burst, "rest": rest}
	serve(library[*session]{connect, leave, operations})
}
