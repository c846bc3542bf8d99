#!/bin/sh
# Follow risk alerts, from the first one on, as server-sent events: risk_alerts.sh [AFTER]
# After a break give the last id that you have seen. CLEARTIDE_TOKEN: an access token, where the venue wants one.
set -eu
exec curl --silent --show-error --no-buffer --fail ${CLEARTIDE_TOKEN:+--header "Authorization: Bearer $CLEARTIDE_TOKEN"} \
  "${CLEARTIDE_GATEWAY_URL:-http://127.0.0.1:8080}/api/v1/alerts/stream?after_seq=${1:-0}"
