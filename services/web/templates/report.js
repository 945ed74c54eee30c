"use strict"
// Sorts, filters and searches the rows that are in the page, and asks for news while the analysis
// runs. It writes no HTML: rows come from the server, here they are only moved and hidden.
const STEP = 100 // rows that are shown at once
const form = document.forms[0]
const table = document.getElementById("reels")
const heads = [...table.querySelectorAll("thead a")]
const columns = heads.map(head => head.dataset.by)
const [POSTED, VIEWS] = [columns.indexOf("posted"), columns.indexOf("views")]
const count = document.getElementById("count")
const none = document.getElementById("none")
const more = document.getElementById("more")
const zone = count ? count.textContent.split(" · ")[1] : ""
let rows = []
let shown = STEP
let by = table.dataset.by
let up = "up" in table.dataset

function read() {
  rows = [...table.tBodies[0].rows].map(row => {
    const caption = row.cells[0].textContent.toLowerCase()
    return {
      row,
      caption,
      tier: row.className,
      tags: new Set(caption.match(/#[\p{L}\p{N}_]+/gu)),
      day: row.querySelector("time").dateTime.slice(0, 10),
      keys: row.dataset.v.split(" ").map(key => key === "-" ? null : Number(key)),
    }
  })
}

function sort() {
  const place = columns.indexOf(by)
  const turn = up ? 1 : -1
  rows.sort((a, b) => {
    const [x, y] = [a.keys[place], b.keys[place]]
    if (x === null || y === null) return (x === null) - (y === null)
    return (x - y) * turn || b.keys[POSTED] - a.keys[POSTED]
  })
  heads.forEach((head, at) => {
    const chosen = at === place
    head.search = `?sort=${columns[at]}${chosen && !up ? "&up=1" : ""}`
    if (chosen) head.parentNode.setAttribute("aria-sort", up ? "ascending" : "descending")
    else head.parentNode.removeAttribute("aria-sort")
  })
}

function viewsOf(typed) { // "30,000", and "30k" as the charts write it
  const unit = {k: 1e3, m: 1e6}[typed.trim().slice(-1).toLowerCase()]
  return unit ? unit * parseFloat(typed.replace(",", ".")) || 0 : Number(typed.replace(/\D/g, ""))
}

function filter() {
  const said = Object.fromEntries(new FormData(form))
  const words = said.q.toLowerCase().split(/\s+/)
  const tag = said.tag.trim().toLowerCase().replace(/^#?/, "#")
  const least = viewsOf(said.least)
  const seen = []
  let fit = 0
  for (const {row, caption, tier, tags, day, keys} of rows) {
    const fits = words.every(word => caption.includes(word))
      && (!said.tier || tier === said.tier)
      && (tag === "#" || tags.has(tag))
      && (!least || keys[VIEWS] >= least)
      && (!said.from || day >= said.from)
      && (!said.to || day <= said.to)
    fit += fits
    row.hidden = !fits || fit > shown
    if (!row.hidden) seen.push(row)
  }
  table.tBodies[0].prepend(...seen) // the order of what is hidden is nobody's matter
  table.tBodies[0].classList.remove("fresh")
  const all = rows.length.toLocaleString("en")
  count.textContent = `${fit === rows.length ? "" : fit.toLocaleString("en") + " of "}${all} reels · ${zone}`
  none.hidden = fit > 0
  more.hidden = fit <= shown
  more.textContent = `Show more of the other ${(fit - shown).toLocaleString("en")}`
}

function anew() {
  shown = STEP
  filter()
}

async function look() {
  const answer = await fetch(location.href, {cache: "no-cache"}).catch(() => null)
  if (answer && answer.status === 404) return location.reload() // it says why
  if (answer && answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html")
    if (!form && page.forms.length) return location.reload() // the first rows have come
    for (const name of form ? ["news", "rows"] : ["news"]) {
      document.getElementById(name).replaceWith(page.getElementById(name))
    }
    if (form) {
      read()
      sort()
      filter()
    }
  }
  later()
}

function later() {
  const every = document.getElementById("news").dataset.every
  if (every) setTimeout(look, every * 1000)
}

if (form) {
  read()
  form.hidden = false
  form.addEventListener("input", anew)
  form.addEventListener("submit", event => event.preventDefault())
  form.addEventListener("reset", () => setTimeout(anew))
  more.addEventListener("click", () => {
    shown += 5 * STEP
    filter()
  })
  document.addEventListener("click", event => {
    const tag = event.target.dataset.tag
    if (!tag) return
    form.tag.value = tag
    anew()
    form.scrollIntoView()
  })
  for (const head of heads) {
    head.addEventListener("click", event => {
      event.preventDefault()
      up = head.dataset.by === by && !up
      by = head.dataset.by
      history.replaceState(null, "", `?sort=${by}${up ? "&up=1" : ""}`)
      shown = STEP
      sort()
      filter()
    })
  }
  filter() // a browser keeps what was typed over a reload
}
later()
