return {
  { "GET", "/books", "books/list" },
  { "GET", "/books/:id", "books/get" },
  { "POST", "/orders", "orders/create" },
  { "GET", "/orders/:id", "orders/get" },
  { "POST", "/admin/books", "admin/books/create" },
}
