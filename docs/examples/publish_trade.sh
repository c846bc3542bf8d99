#!/bin/sh
# Report a trade that was matched elsewhere: publish_trade.sh MARKET TRADE_ID PRICE SIZE BUYER SELLER
# NATS is a text protocol, and curl passes on what it is given for telnet://. The answer has the number in the sequence.
set -eu
rest=${CLEARTIDE_URL#nats://}; host=${rest##*@}; login=${rest%@*}; user=${login%%:*}; pass=${login#*:}
now=$(date +%s)000000
trade=$(printf '{"id":"%s","type":"ReportTrade","version":1,"occurred_at":%s,"source":"%s","executed_at":%s,"market":"%s",' \
  "$user-$2" "$now" "$user" "$now" "$1"
  printf '"trade_id":"%s","price":"%s","size":"%s","buyer":"%s","seller":"%s"}' "$2" "$3" "$4" "$5" "$6")
{
  printf 'CONNECT {"user":"%s","pass":"%s","verbose":false}\r\nSUB _INBOX_%s.1 1\r\n' "$user" "$pass" "$user"
  printf 'PUB trades.%s _INBOX_%s.1 %s\r\n%s\r\n' "$1" "$user" "${#trade}" "$trade"
} | curl --silent --no-buffer --max-time 30 "telnet://$host" | sed -n '/^{"stream"/{p;q;};/^-ERR/{p;q;}'
