// The script and style of the --report page, as text. The script has the divider, zoom and panning: it sets custom properties
// and classes, from which the style draws.
export const script = `
for (const viewer of document.querySelectorAll('[data-compare]')) compare(viewer);
for (const spot of document.querySelectorAll('[data-spot]')) {
  const shares = spot.dataset.spot.split(' ');
  ['left', 'top', 'width', 'height'].forEach((name, i) => spot.style.setProperty('--' + name, 100 * shares[i] + '%'));
}

function compare(viewer) {
  const stage = viewer.querySelector('.stage');
  const divider = viewer.querySelector('.divider');
  const output = viewer.querySelector('output');
  const image = viewer.querySelector('img');
  const [less, more] = viewer.querySelectorAll('[data-zoom]');
  // at: the divider's place, percent from the left. x, y: the picture's corner, in widths and heights of the stage.
  const view = { at: 50, zoom: 1, x: 0, y: 0 };
  const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

  function draw() {
    view.at = clamp(view.at, 0, 100);
    view.x = clamp(view.x, 1 - view.zoom, 0);
    view.y = clamp(view.y, 1 - view.zoom, 0);
    const at = Math.round(view.at);
    viewer.style.setProperty('--at', view.at + '%');
    for (const name of ['x', 'y', 'zoom']) viewer.style.setProperty('--' + name, view[name]);
    viewer.classList.toggle('zoomed', view.zoom > 1);
    viewer.classList.toggle('pixels', (stage.clientWidth * view.zoom) / image.naturalWidth >= 2);
    viewer.classList.toggle('at-0', at === 0);
    viewer.classList.toggle('at-100', at === 100);
    divider.setAttribute('aria-valuenow', at);
    divider.setAttribute('aria-valuetext', at + '% before');
    const words = Math.round(10 * view.zoom) / 10 + '\\u00d7';
    if (output.textContent !== words) output.textContent = words;
    less.disabled = view.zoom === 1;
    more.disabled = view.zoom === 8;
  }

  /** The point (shares of the stage) stays where it is. */
  function zoomTo(zoom, x = 0.5, y = 0.5) {
    const next = clamp(zoom, 1, 8);
    view.x = x - ((x - view.x) * next) / view.zoom;
    view.y = y - ((y - view.y) * next) / view.zoom;
    view.zoom = next;
    draw();
  }

  function placeOf(event) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  }

  const fingers = new Map();
  let isPanning = false;
  let span = 0;
  // A double click is two clicks first, which move the divider: it goes back to where it was before them.
  let click = { time: 0, at: 50 };

  function pinch() {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, span: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    divider.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    if (event.timeStamp - click.time > 500) click = { time: event.timeStamp, at: view.at };
    if (fingers.size === 2) span = pinch().span;
    isPanning = view.zoom > 1 && event.target !== divider;
    viewer.classList.toggle('panning', isPanning);
    if (!isPanning && fingers.size === 1 && event.target !== divider) {
      view.at = 100 * placeOf(event).x;
      draw();
    }
  });

  stage.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = placeOf(event);
    fingers.set(event.pointerId, now);
    if (fingers.size === 2) {
      const { x, y, span: wide } = pinch();
      zoomTo((view.zoom * wide) / span, x, y);
      span = wide;
      return;
    }
    if (isPanning) {
      view.x += now.x - before.x;
      view.y += now.y - before.y;
    } else view.at = 100 * now.x;
    draw();
  });

  for (const end of ['pointerup', 'pointercancel'])
    stage.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      viewer.classList.remove('panning');
    });

  stage.addEventListener('dblclick', (event) => {
    const { x, y } = placeOf(event);
    view.at = click.at;
    zoomTo(view.zoom > 1 ? 1 : 4, x, y);
  });

  stage.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { x, y } = placeOf(event);
    zoomTo(view.zoom * 2 ** (-event.deltaY / 200), x, y);
  }, { passive: false });

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const leaps = { PageUp: 10, PageDown: -10, Home: -100, End: 100 };
  const zooms = { '+': 2, '=': 2, '-': 0.5 };

  function onKey({ key, shiftKey }) {
    const step = steps[key];
    if (step && shiftKey && view.zoom > 1) {
      view.x -= 0.1 * step[0];
      view.y -= 0.1 * step[1];
    } else if (step) view.at = Math.round(view.at) + (step[0] - step[1]) * (shiftKey ? 10 : 1);
    else if (leaps[key]) view.at += leaps[key];
    else if (zooms[key]) return zoomTo(view.zoom * zooms[key]);
    else if (key === '0') return zoomTo(1);
    else return false;
    draw();
  }

  divider.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (onKey(event) !== false) event.preventDefault();
  });

  viewer.querySelector('.tools').addEventListener('click', ({ target }) => {
    if (target.dataset.zoom) zoomTo(view.zoom * target.dataset.zoom);
    if (target.dataset.at) {
      view.at = Number(target.dataset.at);
      draw();
    }
  });
}
`;

export const style = `
:root { --widest: 1680px; }
h2 { font-size: 1.05rem; margin: 0; }
h3 { font-size: .85rem; font-weight: 600; margin: 0 0 .4rem; color: var(--quiet); }
dd .quiet { display: block; line-height: 1.35; }
.bad, .bad strong { color: var(--bad); }
dl { margin: .75rem 0; }
dl > div { display: grid; grid-template-columns: 6.5rem 1fr; gap: .5rem; padding: .15rem 0; }
.failures { border-left: 3px solid var(--bad); padding: .25rem 0 .25rem 1rem; margin: 1rem 0; }
.failures ul { margin: .25rem 0; padding-left: 1.1rem; }
.failures li { margin: .35rem 0; }
code { font-size: .8rem; color: var(--bad); }
summary { cursor: pointer; width: fit-content; }
details { margin: .5rem 0; }
details ul { margin: .25rem 0; padding-left: 1.1rem; font-size: .85rem; }
table { margin: .5rem 0; }
th, td:last-child { white-space: nowrap; }
@media (max-width: 600px) { th, td { padding-right: .75rem; } }
.hint { color: var(--quiet); font-size: .85rem; margin: 1rem 0; line-height: 1.9; }
kbd { font: inherit; font-size: .8rem; border: 1px solid var(--line); border-radius: 4px; padding: 0 .35rem; background: var(--card); color: var(--text); }
.badge { font-size: .75rem; font-weight: 500; border: 1px solid currentcolor; border-radius: 99px; padding: .05rem .55rem; margin-left: .4rem; color: var(--quiet); white-space: nowrap; }
.notice { border-left: 3px solid var(--accent); padding-left: .75rem; margin: .75rem 0; font-size: .9rem; }

article {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: clamp(.75rem, 2vw, 1.5rem); margin: 1.25rem 0;
  content-visibility: auto; contain-intrinsic-size: auto 800px; scroll-margin-top: 1rem;
}
.path { margin-bottom: .75rem; }
.columns { display: grid; gap: 1.25rem 1.75rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 1000px) {
  .columns { grid-template-columns: minmax(0, 1fr) 20rem; }
  .columns:has(.detail) { grid-template-columns: minmax(0, 1fr) 480px; grid-template-rows: auto 1fr; }
  .detail { grid-column: 2; grid-row: 1 / span 2; }
  .columns:has(.detail) .facts > dl { columns: 2; }
}
.facts dl { margin-top: 0; }
.facts dl > div { break-inside: avoid; }

.viewer { --at: 50%; --x: 0; --y: 0; --zoom: 1; width: fit-content; max-width: 100%; }
.stage {
  position: relative; overflow: hidden; width: fit-content; max-width: 100%; border-radius: 4px; user-select: none; -webkit-user-select: none;
  background: repeating-conic-gradient(#8885 0 25%, #8882 0 50%) 0 / 20px 20px;
}
[data-compare] .stage { cursor: ew-resize; touch-action: pan-y; }
.zoomed .stage { cursor: grab; touch-action: none; }
.panning .stage { cursor: grabbing; }
.layer + .layer { position: absolute; inset: 0; }
.stage img { display: block; width: auto; height: auto; max-width: 100%; max-height: 84vh; }
.small .stage img { width: 24rem; image-rendering: pixelated; }
[data-compare] img, .spot i { transform-origin: 0 0; transform: translate(calc(var(--x) * 100%), calc(var(--y) * 100%)) scale(var(--zoom)); }
.stage .layer + .layer img { width: 100%; height: 100%; max-width: none; max-height: none; }
.before { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.after { clip-path: inset(0 0 0 var(--at)); }
.pixels img { image-rendering: pixelated; }
.spot { pointer-events: none; opacity: 0; transition: opacity .15s; }
.spot i { position: absolute; inset: 0; }
.spot i::after {
  content: ""; position: absolute; left: var(--left); top: var(--top); width: var(--width); height: var(--height);
  border: calc(2px / var(--zoom)) solid #fff; outline: calc(1px / var(--zoom)) solid #000;
}
.columns:has(.detail:hover, .detail :focus-visible) .spot { opacity: 1; }
.divider { position: absolute; top: 0; bottom: 0; left: var(--at); width: 44px; margin-left: -22px; cursor: ew-resize; outline: none; touch-action: pan-y; }
.divider::before { content: ""; position: absolute; top: 0; bottom: 0; left: 21px; width: 2px; background: #fff; box-shadow: 0 0 0 1px #0006; }
.divider::after {
  content: "\\2039\\2002\\203a"; position: absolute; left: 4px; top: calc(50% - 18px); width: 36px; height: 36px; border-radius: 50%;
  background: #fff; color: #222; font: 600 18px/33px system-ui, sans-serif; text-align: center; box-shadow: 0 1px 4px #0008;
}
.divider:focus-visible::after { box-shadow: 0 0 0 3px #fff, 0 0 0 6px #0b62c4; }
.divider:focus-visible::before { background: #0b62c4; box-shadow: 0 0 0 1px #fff; }
.tag { position: absolute; left: 8px; top: 8px; padding: 0 .5rem; border-radius: 99px; background: #000a; color: #fff; font-size: .75rem; pointer-events: none; }
.tag.right { left: auto; right: 8px; }
.at-0 .tag:not(.right), .at-100 .tag.right { display: none; }
.tools { display: flex; align-items: center; gap: .35rem; margin-top: .4rem; flex-wrap: wrap; }
.tools .gap { flex: 1; }
.tools output { font-size: .85rem; min-width: 2.6rem; text-align: center; font-variant-numeric: tabular-nums; }
button { font: inherit; font-size: .85rem; min-height: 30px; min-width: 32px; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 6px; padding: 0 .6rem; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--quiet); }
button:disabled { opacity: .4; cursor: default; }
:is(button, summary, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { .spot { transition: none; } }

@media print {
  .tools, .hint, .divider, .spot, .tag { display: none; }
  article { content-visibility: visible; break-inside: avoid; border-radius: 0; border-width: 1px 0 0; padding: .5rem 0; }
  .columns { display: block; }
  .viewer { width: 100%; }
  [data-compare] .stage { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; width: 100%; background: none; overflow: visible; }
  .layer + .layer { position: static; }
  .layer { clip-path: none; }
  .facts > dl { columns: 2; }
  .stage .layer img, .stage .layer + .layer img { width: auto; height: auto; max-width: 100%; max-height: 11cm; transform: none; }
  .before::after { content: "before"; }
  .after::after { content: "after"; }
  a { color: inherit; text-decoration: none; }
}
`;
