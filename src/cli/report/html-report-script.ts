// The script of the --report page, as text: the divider, zoom and panning. It sets custom properties and classes;
// html-report-style.ts draws from them.
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
    } else if (isPanning) {
      view.x += now.x - before.x;
      view.y += now.y - before.y;
      draw();
    } else {
      view.at = 100 * now.x;
      draw();
    }
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

  function onKey({ key, shiftKey }) {
    const step = steps[key];
    if (step && shiftKey && view.zoom > 1) {
      view.x -= 0.1 * step[0];
      view.y -= 0.1 * step[1];
    } else if (step) view.at = Math.round(view.at) + (step[0] - step[1]) * (shiftKey ? 10 : 1);
    else if (key === 'PageUp') view.at += 10;
    else if (key === 'PageDown') view.at -= 10;
    else if (key === 'Home') view.at = 0;
    else if (key === 'End') view.at = 100;
    else if (key === '+' || key === '=') return zoomTo(view.zoom * 2);
    else if (key === '-') return zoomTo(view.zoom / 2);
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
