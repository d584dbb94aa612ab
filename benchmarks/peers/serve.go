// What benchmarks/peer.py is, for Go: a job a line on stdin, an answer a line on stdout, both JSON.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// job has the fields of the Job in benchmarks/peer.py that a peer in Go needs.
type job struct {
	Do, TLS, Address, Host, CA, User, Password string
	Mailbox, Messages, Items                   string
	Sender, Recipient, Message                 string
	Port, Count, Concurrency                   int
}

// library is what a peer is: sessions of type S, and what else can be done with those that are held.
type library[S any] struct {
	connect    func(job) (S, error)
	leave      func(S) error
	operations map[string]func(job, []S) error
}

func (j job) where() string { return fmt.Sprintf("%s:%d", j.Address, j.Port) }

var shared struct {
	once sync.Once
	tls  *tls.Config
	err  error
}

// context returns the configuration that all sessions of this process share.
func (j job) context() (*tls.Config, error) {
	shared.once.Do(func() {
		pem, err := os.ReadFile(j.CA)
		roots := x509.NewCertPool()
		if err == nil && !roots.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("no certificate in %s", j.CA)
		}
		shared.tls, shared.err = &tls.Config{RootCAs: roots, ServerName: j.Host}, err
	})
	return shared.tls, shared.err
}

func serve[S any](peer library[S]) {
	var held []S
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked job
		said, err := map[string]float64{}, json.Unmarshal(in.Bytes(), &asked)
		if err == nil {
			said, err = measured(func() error { return peer.perform(asked, &held) })
		}
		if err != nil {
			out.Encode(map[string]string{"error": err.Error()})
		} else {
			out.Encode(said)
		}
	}
}

// measured gives memory back before and behind: garbage of one job is no cost of another.
func measured(work func() error) (map[string]float64, error) {
	debug.FreeOSMemory()
	began := time.Now()
	cpu, waits := usage()
	err := work()
	wall := time.Since(began)
	cpuAfter, waitsAfter := usage()
	debug.FreeOSMemory()
	return map[string]float64{
		"wall_s": wall.Seconds(), "cpu_s": cpuAfter - cpu, "wakeups": waitsAfter - waits, "rss": rss(),
	}, err
}

func usage() (cpu, waits float64) {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9, float64(used.Nvcsw)
}

func rss() float64 {
	var size, resident float64
	statm, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(statm), &size, &resident)
	return resident * float64(os.Getpagesize())
}

func (peer library[S]) perform(j job, held *[]S) error {
	switch j.Do {
	case "ready":
		session, err := peer.connect(j)
		if err == nil {
			*held = append(*held, session)
		}
		return err
	case "leave":
		for _, session := range *held {
			if err := peer.leave(session); err != nil {
				return err
			}
		}
		*held = nil
		return nil
	case "connects":
		return atOnce(j, func() error { return peer.use(j, func(S) error { return nil }) })
	case "hold":
		var lock sync.Mutex
		return atOnce(j, func() error {
			session, err := peer.connect(j)
			lock.Lock()
			defer lock.Unlock()
			if err == nil {
				*held = append(*held, session)
			}
			return err
		})
	}
	operation, ok := peer.operations[j.Do]
	switch {
	case !ok:
		return fmt.Errorf("no such operation: %s", j.Do)
	case len(*held) > 0:
		return operation(j, *held)
	}
	return peer.use(j, func(session S) error { return operation(j, []S{session}) })
}

// use connects, does the work, and leaves.
func (peer library[S]) use(j job, work func(S) error) error {
	session, err := peer.connect(j)
	if err != nil {
		return err
	}
	if err := work(session); err != nil {
		return err
	}
	return peer.leave(session)
}

// atOnce does the work j.Count times, j.Concurrency at a time.
func atOnce(j job, work func() error) error {
	numbers, failed := make(chan int), make(chan error, j.Concurrency)
	for i := 0; i < j.Concurrency; i++ {
		go func() {
			var failure error
			for range numbers {
				if err := work(); err != nil {
					failure = err
				}
			}
			failed <- failure
		}()
	}
	for i := 0; i < j.Count; i++ {
		numbers <- i
	}
	close(numbers)
	var failure error
	for i := 0; i < j.Concurrency; i++ {
		if err := <-failed; err != nil {
			failure = err
		}
	}
	return failure
}
