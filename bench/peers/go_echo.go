// An echo server on Go's net package: a goroutine per connection, one thread running them.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 16*1024) // As large as the largest message the suite sends.
	for {
		size, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err := peer.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go_echo PORT")
		os.Exit(64)
	}
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(71)
	}
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := listener.Accept()
		if err == nil {
			go echo(peer)
		}
	}
}
