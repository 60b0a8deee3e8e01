return {
  { "POST", "/orders", "order" },
}
