// Report a trade that was matched elsewhere: go run publish_trade.go MARKET TRADE_ID PRICE SIZE BUYER SELLER
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

func main() {
	at, _ := url.Parse(os.Getenv("CLEARTIDE_URL"))
	pass, _ := at.User.Password()
	user, a, now := at.User.Username(), os.Args[1:7], time.Now().UnixMicro()
	trade := fmt.Sprintf(`{"id":%q,"type":"ReportTrade","version":1,"occurred_at":%d,"executed_at":%[2]d,"source":%q,`+
		`"market":%q,"trade_id":%q,"price":%q,"size":%q,"buyer":%q,"seller":%q}`,
		user+"-"+a[1], now, user, a[0], a[1], a[2], a[3], a[4], a[5])
	nats, err := net.Dial("tcp", at.Host) // NATS is a text protocol; the module nats.go does the same
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(nats, "CONNECT {\"user\":%q,\"pass\":%q,\"verbose\":false}\r\nSUB _INBOX_%s.1 1\r\n", user, pass, user)
	fmt.Fprintf(nats, "PUB trades.%s _INBOX_%s.1 %d\r\n%s\r\n", a[0], user, len(trade), trade)
	lines := bufio.NewScanner(nats)
	for lines.Scan() && lines.Text()[0] != '{' && lines.Text()[0] != '-' {
	}
	fmt.Println(lines.Text())
}
