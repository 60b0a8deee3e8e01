return {
  {"GET", "/secret", "private/secret"},
}
