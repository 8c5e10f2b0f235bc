// Dark or light: what the system says, until the user says something else.
import { $ } from "/static/dom.js";

const PLACE = "vibedom-theme";

export function setUpTheme() {
  const kept = localStorage.getItem(PLACE);
  if (kept) document.documentElement.dataset.theme = kept;
  $("theme").addEventListener("click", toggleTheme);
}

export function toggleTheme() {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const theme = isDark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(PLACE, theme);
}
