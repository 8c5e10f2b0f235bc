// Building elements. Text comes from agents, so it goes through `visible` and only ever into text nodes.

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** `text` with control, bidi, zero-width and unassigned characters, and odd spaces, written as escapes. */
export function visible(text) {
  return String(text ?? "").replace(HIDDEN, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
}

/** An element. `about`: properties (`class`, `data`, `on`, anything else as a property). Children: text or nodes. */
export function h(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else element[name] = value;
  }
  element.append(...children.map((child) => (child instanceof Node ? child : visible(child))));
  return element;
}

/** An element of SVG. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Put `children` into `element` instead of what is there. */
export const fill = (element, ...children) => element.replaceChildren(...children);

export const $ = (id) => document.getElementById(id);

/** Set the text of an element if it differs: the same text costs no layout. */
export function say(element, text) {
  const safe = visible(text);
  if (element.textContent !== safe) element.textContent = safe;
}

/** A message that goes away by itself. */
export function toast(text, isBad = false) {
  const box = h("div", { class: isBad ? "toast bad" : "toast" }, text);
  $("toasts").append(box);
  setTimeout(() => box.remove(), isBad ? 9000 : 4500);
}

/** A button that has to be pressed twice. */
export function sureButton(text, sure, act) {
  let isArmed = false;
  const button = h("button", { class: "small", type: "button" }, text);
  button.addEventListener("click", () => {
    if (isArmed) return act();
    isArmed = true;
    say(button, sure);
    button.classList.add("danger");
    setTimeout(() => { isArmed = false; say(button, text); button.classList.remove("danger"); }, 3000);
  });
  return button;
}
