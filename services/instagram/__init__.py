"""The way to Instagram: links, cookies, gallery-dl, the CDN, and the pace that they share."""
