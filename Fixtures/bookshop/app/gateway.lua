return {
  { "GET", "/books", "books/list" },
  { "GET", "/books/:id", "books/get" },
  { "POST", "/orders", "orders/create" },
  { "GET", "/orders/:id", "orders/get" },
  { "GET", "/sales", "sales/list" },
  { "POST", "/admin/books", "admin/books/create" },
}
