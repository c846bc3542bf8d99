"""Pure rules of risk: health factor, alert levels, safe boxes (domain rules R8, R10, R13, R19, R20)."""
