// go-smtp, as Debian has it: with a configuration of TLS that all connections share.
package main

import (
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func connect(j job) (*smtp.Client, error) {
	context, err := j.context()
	if err != nil {
		return nil, err
	}
	var c *smtp.Client
	if j.TLS == "implicit" {
		c, err = smtp.DialTLS(j.where(), context)
	} else if c, err = smtp.Dial(j.where()); err == nil {
		err = c.StartTLS(context)
	}
	if err != nil {
		return nil, err
	}
	return c, c.Auth(sasl.NewPlainClient("", j.User, j.Password))
}

func leave(c *smtp.Client) error { return c.Quit() }

func send(j job, c *smtp.Client) error {
	if err := c.Mail(j.Sender, nil); err != nil {
		return err
	}
	if err := c.Rcpt(j.Recipient); err != nil {
		return err
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(data, j.Message); err != nil {
		return err
	}
	return data.Close()
}

func submit(j job, held []*smtp.Client) error {
	for i := 0; i < j.Count; i++ {
		if err := send(j, held[0]); err != nil {
			return err
		}
	}
	return nil
}

// submitPool shares the work among sessions that each worker has: go-smtp has no pool.
func submitPool(j job, _ []*smtp.Client) error {
	sessions := make(chan *smtp.Client, j.Concurrency)
	opened := j
	opened.Count = j.Concurrency
	err := atOnce(opened, func() error {
		c, err := connect(j)
		sessions <- c
		return err
	})
	if err != nil {
		return err
	}
	err = atOnce(j, func() error {
		c := <-sessions
		defer func() { sessions <- c }()
		return send(j, c)
	})
	if err != nil {
		return err
	}
	return atOnce(opened, func() error { return leave(<-sessions) })
}

func main() {
	peer := library[*smtp.Client]{connect: connect, leave: leave}
	peer.operations = map[string]func(job, []*smtp.Client) error{
		"submit":      submit,
		"submit_pool": submitPool,
		"submit_each": func(j job, _ []*smtp.Client) error {
			for i := 0; i < j.Count; i++ {
				if err := peer.use(j, func(c *smtp.Client) error { return send(j, c) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	serve(peer)
}
