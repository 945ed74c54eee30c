// Applies the chosen colours before the first paint, so that the page does not flash.
// A classic script in <head>: modules run too late for that. chat.js changes the choice.
"use strict";
{
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
