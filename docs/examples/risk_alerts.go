// Follow risk alerts as they are raised: go run risk_alerts.go
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
)

func main() {
	at, _ := url.Parse(os.Getenv("CLEARTIDE_URL"))
	pass, _ := at.User.Password()
	nats, err := net.Dial("tcp", at.Host) // NATS is a text protocol; the module nats.go does the same
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(nats, "CONNECT {\"user\":%q,\"pass\":%q,\"verbose\":false}\r\n", at.User.Username(), pass)
	fmt.Fprint(nats, "SUB risk.alerts.> 1\r\n")
	for lines := bufio.NewScanner(nats); lines.Scan(); {
		alert := map[string]any{}
		if lines.Text() == "PING" {
			fmt.Fprint(nats, "PONG\r\n")
		} else if json.Unmarshal(lines.Bytes(), &alert) == nil {
			fmt.Println(alert["seq"], alert["level"], alert["account"])
		}
	}
}
