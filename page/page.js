// The page at /: one session at a time, of the microphone, a file or the sample; its text, and how it fares.
import { Stenopool, StenopoolError, microphone, readAudio, feed } from './stenopool.js';

const $ = (id) => document.getElementById(id);
const KEY = 'stenopool.key'; // in this tab's storage only
const UNSURE = 0.7; // a word of less confidence is underlined,
const DOUBTFUL = 0.4; // and of less than this pale as well

let session = null; // the one that runs
let source = null; // its microphone
let sentBefore = 0; // ms of audio of earlier sessions
let lines = []; // finals; their times count on from session to session
let tryingAt = 0; // when a lost session tries again; 0: none does
let soundAt = 0; // when the microphone last gave any
let stopped = false; // by the button: files that were to follow do not

// ---- words for people ----

const seconds = (ms) => (ms < 950 ? 'less than a second' : ms < 90000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60000)} min`);
const figure = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`);
const two = (n) => String(n).padStart(2, '0');
const clock = (ms) => {
  const [hours, minutes, s] = [3600000, 60000, 1000].map((unit) => Math.floor(ms / unit));
  return `${hours > 0 ? `${hours}:${two(minutes % 60)}` : minutes}:${two(s % 60)}`;
};
const length = (ms) => (ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : clock(ms));
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const MICROPHONE = {
  denied: 'The microphone is blocked for this page. Allow it beside the browser’s address bar, then press Dictate again; or open a file.',
  absent: 'No microphone was found. Connect one and press Dictate again, or open a file.',
  in_use: 'The microphone cannot be opened. Perhaps another program is using it.',
  insecure: 'Browsers give the microphone only to pages that come by https, or from this same machine. Files and the sample work here.',
};

const SERVER = {
  busy: 'The server is full.',
  overloaded: 'The server cannot keep up at the moment.',
  restarting: 'The server is restarting.',
  unreachable: 'The server cannot be reached.',
  lost: 'The connection to the server was lost.',
  too_many_sessions: 'This key has as many sessions open as it may.',
  quota_used_up: 'The minutes of this key are used up for now.',
};

function notice(text, detail = '', again_ms = 0) {
  tryingAt = again_ms && Date.now() + again_ms;
  showWait();
  $('notice').hidden = !text;
  $('notice-text').textContent = text;
  $('notice-detail').textContent = detail;
}

// Told once by those who read aloud, and seen to run down.
function showWait() {
  const words = tryingAt ? `Trying again in ${seconds(tryingAt - Date.now())}.` : '';
  if ($('notice-wait').textContent !== words) $('notice-wait').textContent = words;
}

function status(text) {
  if ($('status').textContent !== text) $('status').textContent = text;
}

// ---- keys and pools ----

const key = () => sessionStorage.getItem(KEY) || undefined;

function askForKey(why) {
  $('key-form').hidden = false;
  $('key-why').textContent = why;
  $('key').setAttribute('aria-invalid', String(why !== ''));
  notice('');
  $('key').focus();
}

function takeKey() {
  if ($('key-form').contains(document.activeElement)) $('dictate').focus();
  $('key-form').hidden = true;
  $('change-key').hidden = !key();
}

// Which pools there are; whether a key is wanted is known afterwards.
async function look() {
  const headers = key() ? { Authorization: `Bearer ${key()}` } : {};
  const answer = await fetch('v1/models', { headers, cache: 'no-store' }).catch(() => null);
  if (!answer) return notice(SERVER.unreachable);
  if (answer.status === 401) return askForKey(key() ? 'This key is not one of the server’s.' : '');
  if (!answer.ok) return;
  takeKey();
  notice('');
  // The rest are names that OpenAI's clients may say for any pool.
  const pools = (await answer.json()).data.filter((m) => m.owned_by === 'stenopool').map((m) => m.id);
  const chosen = $('pool').value;
  $('pool').replaceChildren(...pools.map((name) => new Option(name, name, false, name === chosen)));
  $('pool-field').hidden = pools.length < 2;
}

$('key-form').addEventListener('submit', (e) => {
  e.preventDefault();
  sessionStorage.setItem(KEY, $('key').value.trim());
  $('key').value = '';
  look();
});
$('change-key').addEventListener('click', () => {
  sessionStorage.removeItem(KEY);
  $('change-key').hidden = true;
  askForKey('');
});

// ---- text ----

function element(name, className, text) {
  const e = document.createElement(name);
  e.className = className;
  e.textContent = text;
  return e;
}

function wordElement(word) {
  const e = element('span', 'word', word.text);
  const low = word.confidence < UNSURE;
  e.dataset.tip = `${Math.round(100 * word.confidence)} % sure`;
  if (low) {
    e.classList.add('unsure');
    e.classList.toggle('doubtful', word.confidence < DOUBTFUL);
    e.tabIndex = -1;
    if ($('legend').hidden) grow(() => ($('legend').hidden = false));
  }
  return e;
}

function addLine(className, at_ms, ...content) {
  const line = element('p', `line ${className}`, '');
  const words = element('span', 'words', '');
  words.append(...content);
  line.append(element('span', 'time', clock(at_ms)), words);
  grow(() => $('text').append(line));
  if (!$('text').querySelector('[tabindex="0"]')) makeTabStop(line.querySelector('.unsure'));
}

// Of all unsure words one is reached with Tab, and the others from there with the arrow keys: nobody has to pass by all of them.
function makeTabStop(word) {
  $('text').querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
  word?.setAttribute('tabindex', '0');
}

$('text').addEventListener('focusin', (e) => e.target.matches('.unsure') && makeTabStop(e.target));
$('text').addEventListener('keydown', (e) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step || !e.target.matches('.unsure')) return;
  const all = [...$('text').querySelectorAll('.unsure')];
  all[all.indexOf(e.target) + step]?.focus();
  e.preventDefault();
});

// Follows the text down, unless somebody has scrolled up to read.
function grow(change) {
  const end = document.documentElement;
  const following = end.scrollHeight - end.scrollTop - end.clientHeight < 120;
  change();
  if (following) end.scrollTop = end.scrollHeight;
}

function showPartial(event, at_ms) {
  const stable = event?.stable_text ?? '';
  const show = () => {
    $('partial').hidden = !event;
    $('partial-time').textContent = event ? clock(at_ms) : '';
    $('stable').textContent = stable;
    $('unstable').textContent = event ? event.text.slice(stable.length) : '';
    $('empty').hidden = true;
  };
  if (event) grow(show);
  else show();
}

function addFinal(event) {
  const base = sentBefore;
  if (!event.text) return;
  // The text is as it was written, with its capitals and full stops; words that are not just that only have the times.
  const whole = event.words.map((w) => w.text).join(' ') !== event.text;
  const words = event.words.length > 0 ? event.words : [event];
  lines.push({
    text: event.text,
    words: words.map((w) => ({ text: w.text, start_ms: base + w.start_ms, end_ms: base + w.end_ms })),
  });
  addLine('', base + event.start_ms, ...(whole ? [event] : words).flatMap((w) => [wordElement(w), ' ']));
  for (const id of ['copy', 'txt', 'srt', 'clear']) $(id).disabled = false;
}

// Who hears it: the pool, with the model where that is called otherwise.
function showHearer({ pool, engine, model }) {
  const of = [engine, model].filter((name, i, all) => name && name !== pool && all.indexOf(name) === i).join(' ');
  $('heard-model').textContent = of ? `${pool} (${of})` : pool;
  showLanguage(undefined);
  $('heard-by').hidden = false;
}

// Which language, where the server says so; in English, as this page is.
function showLanguage(code) {
  let name = code ?? '';
  try {
    name = code ? new Intl.DisplayNames(['en'], { type: 'language' }).of(code) : '';
  } catch {
    // no code that browsers know
  }
  $('heard-language').textContent = name && `· ${name}`;
}

function clear() {
  lines = [];
  sentBefore = 0;
  $('text').replaceChildren();
  $('empty').hidden = session !== null;
  $('legend').hidden = true;
  for (const id of ['copy', 'txt', 'srt', 'clear']) $(id).disabled = true;
  for (const id of ['first-words', 'final-text', 'after-speech', 'audio-sent']) $(id).textContent = '–';
  $('foot').hidden = session === null;
  $('dictate').focus();
}

// How sure a word is: on pointing at it, on focus, and on a tap.
function tip(word) {
  const before = document.querySelector('.asked');
  before?.classList.remove('asked');
  before?.removeAttribute('aria-describedby');
  $('tip').hidden = !word;
  if (!word) return;
  const r = word.getBoundingClientRect();
  word.classList.add('asked');
  word.setAttribute('aria-describedby', 'tip');
  $('tip').textContent = word.dataset.tip;
  const left = r.left + r.width / 2 - $('tip').offsetWidth / 2;
  $('tip').style.left = `${scrollX + Math.max(8, Math.min(left, document.documentElement.clientWidth - $('tip').offsetWidth - 8))}px`;
  $('tip').style.top = `${scrollY + r.top - $('tip').offsetHeight - 4}px`;
}
for (const type of ['focusin', 'click']) document.addEventListener(type, (e) => tip(e.target.closest?.('#text .word') ?? null));
// What moves under a pointer that rests takes nothing from who uses the keyboard.
document.addEventListener('pointerover', (e) => {
  const word = e.target.closest?.('#text .word');
  if (word || document.activeElement.getAttribute('aria-describedby') !== 'tip') tip(word ?? null);
});
document.addEventListener('focusout', () => tip(null));
document.addEventListener('keydown', (e) => e.key === 'Escape' && tip(null));

// ---- copy and export ----

const plainText = () => lines.map((l) => l.text).join('\n');

// Subtitles of at most two short rows, cut between words.
function cues() {
  const all = [];
  for (const line of lines) {
    let cue = null;
    for (const w of line.words) {
      if (!cue || w.end_ms - cue.start_ms > 6000 || cue.text.length + w.text.length > 80) all.push((cue = { start_ms: w.start_ms, end_ms: 0, text: '' }));
      cue.end_ms = w.end_ms;
      cue.text += (cue.text ? ' ' : '') + w.text;
    }
  }
  return all;
}

function subtitles() {
  const time = (ms) => new Date(ms).toISOString().slice(11, 23).replace('.', ',');
  return cues().map((c, i) => `${i + 1}\n${time(c.start_ms)} --> ${time(c.end_ms)}\n${c.text}\n`).join('\n');
}

function save(ending, text) {
  const a = document.createElement('a');
  const when = new Date(Date.now() - 60000 * new Date().getTimezoneOffset()).toISOString().slice(0, 16).replace(/[T:]/g, '-');
  a.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  a.download = `stenopool-${when}.${ending}`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}

async function copy() {
  const text = plainText();
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (!copied) { // not a secure context
    const area = document.body.appendChild(document.createElement('textarea'));
    area.value = text;
    area.select();
    document.execCommand('copy');
    area.remove();
    $('copy').focus();
  }
  status('Copied.');
  setTimeout(() => $('status').textContent === 'Copied.' && status(''), 4000);
}

$('copy').addEventListener('click', copy);
$('txt').addEventListener('click', () => save('txt', plainText() + '\n'));
$('srt').addEventListener('click', () => save('srt', subtitles()));
$('clear').addEventListener('click', clear);

// ---- a session ----

const ORDINALS = ['', 'You are next.', 'You are second in line.', 'You are third in line.'];

function showQueue(event) {
  $('queue').hidden = !event;
  if (!event) return;
  $('empty').hidden = true;
  $('position').textContent = event.position;
  $('queue-text').textContent = ORDINALS[event.position] ?? `You are number ${event.position} in line.`;
  $('queue-wait').textContent = `About ${seconds(event.estimated_wait_ms)} to go. ${source ? 'You can speak now: it is kept, and heard then.' : 'What is sent is kept, and heard then.'}`;
  status('Waiting for a place');
}

function showState({ state, because, in_ms }) {
  if (state === 'connecting') status('Connecting …');
  if (state === 'waiting') status('Waiting for a place …');
  if (state === 'listening') {
    notice('');
    soundAt = Date.now();
    status(source ? LISTENING : 'Hearing it');
  }
  if (state !== 'waiting') showQueue(null);
  if (state === 'paused') {
    const kept = session.audioMs > 0 ? ' What was said is kept.' : '';
    const detail = ['lost', 'unreachable', 'restarting'].includes(because.code) ? '' : capital(because.message) + '.';
    notice(`${SERVER[because.code] ?? 'The server has failed.'}${kept}`, detail, in_ms);
    status('Not connected');
  }
}

function showFailure(e) {
  if (e.code === 'unauthorized') {
    askForKey(key() ? 'This key is not one of the server’s.' : '');
  } else if (e.code in MICROPHONE) {
    notice(MICROPHONE[e.code]);
  } else if (e.code === 'timeout') {
    notice('Nothing came for so long that the server ended the session. Press Dictate to go on.', capital(e.message) + '.');
  } else if (e.code in SERVER) {
    notice(`${SERVER[e.code]} Please try again later.`, capital(e.message) + '.');
  } else {
    notice(capital(e.message) + (/[.!?]$/.test(e.message) ? '' : '.'));
  }
}

function watch(s) {
  let began_ms = 0;
  s.on('state', showState);
  s.on('queued', showQueue);
  s.on('ready', showHearer);
  s.on('speech_start', (e) => (began_ms = sentBefore + e.at_ms));
  s.on('partial', (e) => {
    if (e.latency_ms !== undefined) $('first-words').textContent = figure(e.latency_ms);
    if (e.language) showLanguage(e.language);
    showPartial(e, began_ms);
  });
  s.on('final', (e) => {
    if (e.latency_ms !== undefined) $('final-text').textContent = figure(e.latency_ms);
    if (e.after_speech_ms !== undefined) $('after-speech').textContent = figure(e.after_speech_ms);
    showPartial(null);
    if (e.language) showLanguage(e.language);
    addFinal(e);
    if (e.incomplete) addLine('failed', sentBefore + e.end_ms, `What was said here could not be heard to its end: ${e.message}`);
  });
  s.on('gap', (e) => addLine('failed', sentBefore + e.start_ms, `${seconds(e.end_ms - e.start_ms)} could not be kept while there was no connection`));
  s.on('error', (e) => {
    if (e.fatal) return; // whoever waits for its end says so
    showPartial(null);
    addLine('failed', began_ms, `This could not be heard: ${e.message}`);
  });
}

// It keeps the focus, other than a button that is disabled.
function setBusy(busy) {
  $('dictate').setAttribute('aria-disabled', String(busy));
}

function showRunning(on) {
  $('dictate-label').textContent = on ? 'Stop' : 'Dictate';
  setBusy(false);
  if ([$('file'), $('sample'), $('commit')].includes(document.activeElement)) $('dictate').focus(); // they go away
  grow(() => {
    $('file').hidden = $('sample').hidden = on;
    $('commit').hidden = !on || !source;
  });
  document.title = on ? '● Stenopool' : 'Stenopool';
  document.body.classList.toggle('running', on);
}

const LISTENING = 'Listening';
const MUTED = 'The microphone gives no sound. Is it muted?';
const MUTED_MS = 5000;

function showSound() {
  if (!source || session?.state !== 'listening' || ![LISTENING, MUTED].includes($('status').textContent)) return;
  status(Date.now() - soundAt > MUTED_MS ? MUTED : LISTENING);
}

function showSent() {
  if (sentBefore + (session?.audioMs ?? 0) === 0) return;
  if ($('foot').hidden) grow(() => ($('foot').hidden = false));
  $('audio-sent').textContent = length(sentBefore + (session?.audioMs ?? 0));
}

setInterval(() => {
  showWait();
  showSound();
  if (session) showSent();
}, 100);

// A phone that falls asleep hears nothing more.
let awake = null;
async function stayAwake(on) {
  const before = awake;
  awake = null;
  await before?.release().catch(() => {});
  const lock = on && !document.hidden ? await navigator.wakeLock?.request('screen').catch(() => null) : null;
  if (source) awake = lock;
  else lock?.release().catch(() => {}); // it is over meanwhile
}
document.addEventListener('visibilitychange', () => source && stayAwake(true));
addEventListener('beforeunload', (e) => source && e.preventDefault()); // what is being said would be lost

// From its start to its end: `speak` sends what there is to send, and returns when that is over.
async function run(title, options, speak) {
  if (session) return;
  notice('');
  let s;
  try {
    s = session = new Stenopool({ key: key(), pool: $('pool').value || undefined, ...options });
    watch(s);
    $('empty').hidden = true;
    showRunning(true);
    $('text').append(element('p', 'source', title));
    await speak(s);
    if (s.state !== 'done') sayFinishing();
    await s.stop();
    status('');
  } catch (e) {
    if (e.code !== 'closed') showFailure(e instanceof StenopoolError ? e : { code: 'system', message: e.message });
    status('');
  }
  await leave(s);
}

// Nothing more is sent; what was is still to be heard. The button now ends the waiting.
function sayFinishing() {
  if (session.state === 'listening') status('Waiting for the last words …');
  $('dictate-label').textContent = 'Do not wait';
  setBusy(false);
  if (document.activeElement === $('commit')) $('dictate').focus();
  $('commit').hidden = true;
}

async function leave(s) {
  await source?.stop();
  source = null;
  stayAwake(false);
  s?.close();
  if (tryingAt) notice(''); // nothing is tried any more
  if (s) sentBefore += s.audioMs;
  session = null;
  showSent();
  showPartial(null);
  showQueue(null);
  showRunning(false);
  if ($('text').lastElementChild?.className === 'source') $('text').lastElementChild.remove(); // nothing was heard of it
  $('empty').hidden = $('text').childElementCount > 0;
}

// Until it is stopped by the button, or ends by itself.
async function speakByMicrophone(s) {
  setBusy(true);
  status('Asking for the microphone …');
  const over = new Promise((resolve) => s.on('state', ({ state }) => ['done', 'failed', 'closed'].includes(state) && resolve()));
  const unplugged = new Promise((resolve) => (s.unplugged = resolve));
  const finished = new Promise((resolve) => (s.finish = resolve));
  source = await microphone(s, {
    onLevel: (peak) => {
      if (peak > 0) soundAt = Date.now();
      $('dictate').style.setProperty('--level', Math.min(1, peak * 1.6).toFixed(2));
    },
    onEnded: () => s.unplugged(),
  });
  showRunning(true);
  stayAwake(true);
  await Promise.race([over, unplugged, finished]);
  $('dictate').style.setProperty('--level', 0);
  await source.stop();
}

async function hearFile(file) {
  let audio;
  try {
    audio = await readAudio(file);
  } catch (e) {
    notice(`${file.name}: ${capital(e.message)}.`);
    return;
  }
  const { bytes, ...format } = audio;
  await run(file.name, format, (s) => feed(s, audio));
}

async function hearFiles(files) {
  stopped = false;
  for (const file of files) if (!stopped) await hearFile(file);
}

async function hearSample() {
  let audio;
  try {
    audio = await readAudio(await (await fetch('sample.wav')).blob());
  } catch {
    notice(SERVER.unreachable);
    return;
  }
  const sound = new Audio('sample.wav');
  const { bytes, ...format } = audio;
  await run('The sample', format, (s) => {
    sound.play().catch(() => {}); // it is heard by the server in any case
    return feed(s, audio, { realTime: true });
  });
  sound.pause();
}

// ---- what can be pressed ----

$('dictate').addEventListener('click', () => {
  if ($('dictate').getAttribute('aria-disabled') === 'true') return;
  stopped = true;
  if (!session) {
    run('Microphone', {}, speakByMicrophone);
  } else if (session.isOver || session.audioMs === 0) {
    session.close();
  } else if (source) {
    setBusy(true); // until the last sample has been sent
    session.finish();
  } else {
    session.stop();
    sayFinishing();
  }
});
$('commit').addEventListener('click', () => session?.commit());
$('sample').addEventListener('click', hearSample);
$('file').addEventListener('click', () => $('picker').click());
$('picker').addEventListener('change', () => {
  const files = [...$('picker').files];
  $('picker').value = '';
  hearFiles(files);
});

document.addEventListener('dragover', (e) => {
  e.preventDefault();
  $('sheet').classList.toggle('over', session === null);
});
document.addEventListener('dragleave', (e) => e.relatedTarget || $('sheet').classList.remove('over'));
document.addEventListener('drop', (e) => {
  e.preventDefault();
  $('sheet').classList.remove('over');
  if (session === null) hearFiles([...e.dataTransfer.files]);
});

look();
