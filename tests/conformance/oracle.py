#!/usr/bin/env python3
"""withal differential tests: what CPython does.

Given a seed, generate a random program (JSON AST) + a random driver, compile the
program to REAL `async def` functions, drive them by hand (no event loop), and record
a canonical trace.  Deterministic by seed: own SplitMix64 PRNG, so the same case comes
out of every Python version (and could be re-generated in Rust).

  oracle.py gen  --seeds 0:5000 [--size small|large] [--family all|agen|coro] -o out.jsonl.gz
  oracle.py stat --seeds 0:100000            outcome-class table, speed
  oracle.py show --seed 17                   AST + generated Python + trace
  oracle.py run  in.jsonl[.gz] -o out        re-run stored ASTs, rewrite traces (other Python)
  oracle.py check in.jsonl[.gz]              re-run stored ASTs, compare with stored traces
  oracle.py merge ref.gz other.gz... -o corpus.gz [--limit N]   build the Rust corpus (filter + version check)
  oracle.py diff a.jsonl.gz b.jsonl.gz       compare two trace files, classify differences
"""
import sys, os, signal, json, re, types, gzip, time, gc, warnings, weakref, argparse, collections, contextlib
import asyncio.exceptions as _aex
from contextlib import asynccontextmanager, AsyncExitStack

SCHEMA = 1

# ---------------------------------------------------------------- PRNG
M = (1 << 64) - 1
class Rng:
    __slots__ = ('s',)
    def __init__(self, seed): self.s = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & M
    def u(self):
        self.s = (self.s + 0x9E3779B97F4A7C15) & M
        z = self.s
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
        return z ^ (z >> 31)
    def below(self, n): return (self.u() >> 11) % n
    def p(self, pct): return self.below(100) < pct
    def pick(self, seq): return seq[self.below(len(seq))]
    def wpick(self, pairs):
        t = 0
        for _, w in pairs: t += w
        r = self.below(t)
        for v, w in pairs:
            r -= w
            if r < 0: return v

# ---------------------------------------------------------------- exception kinds
class A(Exception): pass
class B(Exception): pass
class Base(BaseException): pass
KIND = {'A': A, 'B': B, 'Base': Base, 'RT': RuntimeError, 'SI': StopIteration,
        'SAI': StopAsyncIteration, 'GE': GeneratorExit, 'CE': _aex.CancelledError}
NAME = {v: k for k, v in KIND.items()}
NAME[TypeError] = 'TE'; NAME[ValueError] = 'VE'
MSG = [  # substring -> message class
    ('anext(): asynchronous generator is already', 'running-anext'),
    ('athrow(): asynchronous generator is already', 'running-athrow'),
    ('aclose(): asynchronous generator is already', 'running-aclose'),
    ('asynchronous generator is already running', 'running-anext'),
    ('cannot reuse already awaited __anext__()/asend()', 'reuse-asend'),
    ('cannot reuse already awaited aclose()/athrow()', 'reuse-athrow'),
    ('async generator ignored GeneratorExit', 'ignored-ge'),
    ('coroutine ignored GeneratorExit', 'coro-ignored-ge'),
    ('async generator raised StopIteration', 'agen-raised-si'),
    ('async generator raised StopAsyncIteration', 'agen-raised-sai'),
    ('coroutine raised StopIteration', 'coro-raised-si'),
    ("can't send non-None value to a just-started async generator", 'nonnone-agen'),
    ("can't send non-None value to a just-started coroutine", 'nonnone-coro'),
    ('cannot reuse already awaited coroutine', 'reuse-coro'),
    ('coroutine is being awaited already', 'being-awaited'),
    ("generator didn't yield", 'acm-noyield'),
    ("generator didn't stop after athrow", 'acm-nostop-athrow'),
    ("generator didn't stop after throw", 'acm-nostop-athrow'),
    ("generator didn't stop", 'acm-nostop'),
    ('already executing', 'executing'),
]
def fe(e):
    k = NAME.get(type(e)) or ('?' + type(e).__name__)
    if not e.args: return k
    a = e.args[0]
    if isinstance(a, int): return '%s:%d' % (k, a)
    if isinstance(a, str):
        for s, c in MSG:
            if s in a: return k + ':' + c
        return k + ':?' + a
    return k + ':' + str(a)
def chain(e):
    out = [fe(e)]; seen = {id(e)}
    while len(out) < 8:
        if e.__cause__ is not None: rel, e = 'cause', e.__cause__
        elif e.__context__ is not None and not e.__suppress_context__: rel, e = 'ctx', e.__context__
        else: break
        if id(e) in seen: out.append('loop'); break
        seen.add(id(e)); out.append(rel + ' ' + fe(e))
    return ' | '.join(out)

# ---------------------------------------------------------------- program generation
class G:
    """Grammar.  A function is {'t':'g'|'c','b':[stmt...]}; function i may only use functions j>i."""
    def __init__(self, rng, size):
        self.r = rng; self.size = size; self.tok = 0; self.n = 0; self.funcs = []
    def nid(self): self.n += 1; return self.n
    def tk(self): self.tok += 1; return self.tok
    def kind(self, coro_boundary=True):
        ks = [('A', 30), ('B', 16), ('Base', 6), ('RT', 8), ('CE', 8), ('GE', 5)]
        if coro_boundary: ks += [('SI', 6), ('SAI', 6)]
        return self.r.wpick(ks)
    def prog(self, family):
        r = self.r
        big = self.size == 'large'
        nf = (2 + r.below(4)) if big else r.wpick([(1, 24), (2, 42), (3, 34)])
        ts = ['g' if family == 'agen' else 'c'] + [('g' if r.p(75) else 'c') for _ in range(nf - 1)]
        self.funcs = [None] * nf
        self.ts = ts
        for i in reversed(range(nf)):
            b = (14 + r.below(22)) if big else (4 + r.below(9) if i == 0 else 2 + r.below(6))
            c = dict(gen=ts[i] == 'g', loop=False, ret=True, exc=False, st=False, v=None, d=0, i=i, h=0, maxd=5 if big else 3)
            self.budget = b
            body = []
            while self.budget > 0: body += self.block(c, 3)
            if ts[i] == 'g' and not any('"y' in json.dumps(s) or '"x' in json.dumps(s) for s in body) and r.p(85):
                body.insert(r.below(len(body) + 1), ['xy', r.below(50)])
            if big: body = [['try', [q], [['Exc', [['log', self.nid()]]]], [], []] if q[0] not in ('aw', 'y', 'xy', 'yx', 'log', 'ret', 'retv') and r.p(65) else q for q in body]
            self.funcs[i] = {'t': ts[i], 'b': body}
        return self.funcs
    def block(self, c, mx):
        out = []
        for _ in range(1 + self.r.below(mx)):
            out.append(self.stmt(c))
            if out[-1][0] in ('ret', 'retv', 'brk', 'cont', 'raise', 'reraise', 'raisefrom'): break
        return out
    def sub(self, c, **kw):
        d = dict(c); d['d'] += 1; d.update(kw); return d
    def gens_after(self, i): return [j for j in range(i + 1, len(self.ts)) if self.ts[j] == 'g']
    def coros_after(self, i): return [j for j in range(i + 1, len(self.ts)) if self.ts[j] == 'c']
    def mgr(self):
        r = self.r
        er = [self.kind(False), self.nid()] if r.p(7) else None
        xa = r.wpick([(None, 46), ('sup', 16), ('supx', 10), ('raise', 20), ('same', 8)])
        if xa == 'raise': xa = ['raise', self.kind(False), self.nid()]
        if xa == 'supx': xa = ['supk', r.pick(['A', 'B', 'GE', 'CE', 'RT', 'Exc'])]
        if xa == 'sup': xa = ['sup']
        if xa == 'same': xa = ['same']
        return ['mgr', self.nid(), r.wpick([(0, 70), (1, 30)]), er, r.wpick([(0, 60), (1, 30), (2, 10)]), xa]
    def stmt(self, c):
        r = self.r; self.budget -= 1
        o = [('log', 6), ('aw', 20 if c['d'] else 26), ('raise', 8 if c['d'] else 2), ('awr', 2)]
        if c['gen']: o += [('y', 12), ('xy', 16), ('yx', 3)]
        if c['gen'] and c['v'] is not None: o += [('yv', 25)]
        if c["ret"]: o += [("ret", 4 if c["d"] else 1)]
        if c['loop']: o += [('brk', 7), ('cont', 4)]
        if c['exc']: o += [('reraise', 6), ('raisefrom', 6)]
        if c['st']: o += [('st', 60)]
        deep = c['d'] < c['maxd'] and self.budget > 0
        ga, ca = self.gens_after(c['i']), self.coros_after(c['i'])
        if deep:
            o += [('try', 22), ('loop', 7), ('with', 9), ('stack', 4), ('ifx', 3)]
            if ga: o += [('afor', 30), ('aclosing', 6), ('acm', 10), ('h', 12)]
        if ca: o += [('call', 12), ('shared', 6)]
        op = r.wpick(o)
        if op == 'log': return ['log', self.nid()]
        if op == 'aw': return ['aw', r.wpick([(0, 14), (1, 56), (2, 30)]), self.tk()]
        if op == 'awr': return ['awr', r.below(3), self.tk(), self.kind(False), self.nid()]   # leaf is a plain generator: SI would be converted by it
        if op == 'raise': return ['raise', self.kind(), self.nid()]
        if op == 'reraise': return ['reraise']
        if op == 'raisefrom': return ['raisefrom', self.kind(), self.nid(), r.p(60)]
        if op == 'y': return ['y', None if r.p(6) else r.below(50)]
        if op == 'xy': return ['xy', r.below(50)]
        if op == 'yx': return ['yx']
        if op == 'yv': return ['yv', c['v'], r.p(40)]
        if op == 'ret':
            if c['gen']: return ['ret']
            return ['retv', r.below(50)]
        if op == 'brk': return ['brk']
        if op == 'cont': return ['cont']
        if op == 'call': return ['call', r.pick(ca)]
        if op == 'shared': return ['shared', r.pick(ca)]
        if op == 'try':
            body = self.block(self.sub(c), 3)
            hs = []
            nh = r.wpick([(0, 25), (1, 55), (2, 20)])
            for _ in range(nh):
                ks = r.wpick([('A', 22), ('B', 10), ('AB', 8), ('Exc', 16), ('BaseExc', 16), ('GE', 12), ('CE', 7),
                              ('RT', 5), ('SAI', 3), ('SI', 2)])
                hs.append([ks, self.block(self.sub(c, exc=True), 2)])
            order = {'A': 0, 'B': 0, 'GE': 0, 'CE': 0, 'RT': 0, 'SAI': 0, 'SI': 0, 'AB': 1, 'Exc': 2, 'BaseExc': 3}
            hs.sort(key=lambda h: order[h[0]])
            els = self.block(self.sub(c), 1) if nh and r.p(25) else []
            fin = []
            if nh == 0 or r.p(35):
                fin = self.block(self.sub(c, loop=False, ret=False), 2)
                if r.p(40): fin.insert(0, ['aw', 1 + r.below(2), self.tk()])
            return ['try', body, hs, els, fin]
        if op == 'loop':
            els = self.block(self.sub(c), 1) if r.p(30) else []
            return ['loop', 1 + r.below(3), self.block(self.sub(c, loop=True), 2), els]
        if op == 'ifx':
            return ['ifx', self.block(self.sub(c), 1), self.block(self.sub(c), 1)]
        if op == 'with':
            return ['with', self.mgr(), self.block(self.sub(c), 3)]
        if op == 'acm':
            return ['with', ['acm', r.pick(ga)], self.block(self.sub(c), 2)]
        if op == 'stack':
            b = []
            for _ in range(1 + r.below(4)): b.append(self.stop(c))
            b += self.block(self.sub(c, st=True), 3)
            return ['stack', b]
        if op == 'st': return self.stop(c)
        if op == 'afor':
            v = c['d']
            els = self.block(self.sub(c), 1) if r.p(55) else []
            return ['afor', r.pick(ga), v, self.block(self.sub(c, loop=True, v=v), 2), els]
        if op == 'aclosing':
            v = c['d']
            return ['aclosing', r.pick(ga), v, self.block(self.sub(c, loop=True, v=v), 2)]
        if op == 'h':
            hi = r.below(2); g = r.pick(ga); out = [['h_new', hi, g]]
            for _ in range(1 + r.below(4)):
                k = r.wpick([('an', 40), ('as', 22), ('at', 20), ('ac', 18)])
                s = ['h_op', hi, k]
                if k == 'as': s += [None if r.p(15) else r.below(50)]
                if k == 'at': s += [self.kind(len(out) > 1), self.nid()]
                out.append(s)
                if c['gen'] and r.p(25): out.append(['y', r.below(50)])
            if r.p(70): return ['try', out, [[r.pick(['SAI', 'SAI', 'Exc', 'BaseExc']), [['log', self.nid()]]]], [], []]
            return ['seq', out]
        raise AssertionError(op)
    def stop(self, c):
        r = self.r
        k = r.wpick([('enter', 36), ('pexit', 18), ('spush', 10), ('acb', 16), ('scb', 10), ('pop_all', 5), ('aclose', 5)])
        if k == 'enter': return ['st', 'enter', self.mgr()]
        if k in ('pexit', 'spush'):
            m = self.mgr(); m[2] = 0; m[3] = None
            if k == 'spush': m[4] = 0
            return ['st', k, m]
        if k in ('acb', 'scb'):
            return ['st', k, self.nid(), (1 if k == 'acb' and r.p(30) else 0), [self.kind(False), self.nid()] if r.p(30) else None]
        return ['st', k]

class D:
    """Driver planner.  ONLINE: it looks at the state of the generator/awaitables while the case runs on the
    reference Python, so that actions hit interesting states; the chosen actions are recorded, and a stored case
    is replayed statically (no planner) by every other Python and by Rust."""
    def __init__(self, rng, size, run): self.r = rng; self.size = size; self.run = run
    def thr(self, s=None):
        # SI thrown into a suspended leaf would be converted by the leaf (a plain generator), an artefact: never planned
        if s is not None and self.run.state.get(s) == 'sus': return self.r.wpick([('A', 32), ('B', 14), ('Base', 6), ('RT', 6), ('CE', 24), ('GE', 12), ('SAI', 6)])
        return self.r.wpick([('A', 32), ('B', 14), ('Base', 6), ('RT', 6), ('CE', 22), ('GE', 12), ('SI', 4), ('SAI', 4)])
    def mk(self, s, first=False):
        r = self.r
        k = r.wpick([('anext', 80), ('asend', 8), ('athrow', 6), ('aclose', 6)] if first else
                    [('anext', 46), ('asend', 26), ('athrow', 17), ('aclose', 11)])
        if k == 'asend': return ['asend', s, r.wpick([(None, 12), (r.below(90) + 10, 88)])]
        if k == 'athrow': return ['athrow', s, self.thr(), 500 + r.below(400)]
        return [k, s]
    def agen(self):
        r = self.r; R = self.run
        mode = r.wpick([('simple', 34), ('interrupt', 32), ('inter', 24), ('wild', 10)])
        steps = 3 + r.below(4) if r.p(30) else (10 + r.below(10)) if self.size != 'large' else (24 + r.below(30))
        k = {'simple': 1, 'interrupt': 1, 'inter': 2 + r.below(2), 'wild': 2}[mode]
        after = 0; first = True
        for _ in range(steps):
            if R.g is None: break
            if R.g.ag_frame is None:
                after += 1
                if after > 1 and r.p(60): break
            s = r.below(k); st = R.state.get(s)
            if mode == 'wild' and r.p(30):
                z = r.wpick([('mk', 20), ('send', 30), ('throw', 16), ('close', 14), ('drop', 10), ('dropgen', 6)])
            elif st is None or st == 'done':
                z = 'mk' if not r.p(3) else r.pick(['send', 'throw', 'close'])
            elif st == 'new':
                z = r.wpick([('send', 72), ('run', 12), ('throw', 7), ('close', 1)]) if mode != 'simple' else 'run'
            else:
                z = r.wpick([('send', 46), ('throw', 32), ('close', 8), ('run', 12), ('drop', 1), ('mk', 1)]) if mode != 'inter' else \
                    r.wpick([('send', 58), ('throw', 14), ('close', 5), ('run', 14), ('drop', 1), ('mk', 1)])
            if z == 'mk': a = self.mk(s, first); first = False
            elif z == 'throw': a = ['throw', s, self.thr(s), 600 + r.below(90)]
            elif z == 'dropgen': a = ['dropgen']
            else: a = [z, s]
            if z == 'mk' and R.state.get(s) == 'sus': R.act(['drop', s])
            R.act(a)
            if mode == 'simple' and z == 'mk': R.act(['run', s])
            if z == 'dropgen': break
        if R.g is not None:
            if r.p(95):
                for s in sorted(R.state):
                    if R.state[s] == 'sus': R.act(['run', s])
            R.act(r.wpick([(['end'], 70), (['shutdown'], 30)]))
    def coro(self):
        r = self.r; R = self.run
        mode = r.wpick([('run', 22), ('interrupt', 53), ('two', 25)])
        k = 2 if mode == 'two' else 1
        for s in range(k): R.act(['coro', s])
        if mode == 'run': R.act(['run', 0])
        else:
            after = 0
            for _ in range((8 + r.below(8)) if self.size != 'large' else (20 + r.below(30))):
                s = r.below(k); st = R.state.get(s)
                if st == 'done':
                    after += 1
                    if after > k: break
                    if not r.p(30): continue
                    a = r.pick([['send', s], ['throw', s, self.thr(s), 6], ['close', s]])
                elif st == 'new': a = r.wpick([(['send', s], 84), (['send', s, 5], 3), (['throw', s, self.thr(s), 600 + r.below(90)], 5), (['close', s], 4)])
                else: a = r.wpick([(['send', s], 44), (['send', s, r.below(90)], 12), (['throw', s, self.thr(s), 600 + r.below(90)], 34), (['close', s], 7), (['run', s], 6)])
                R.act(a)
            for s in range(k):
                if R.state.get(s) in ('sus', 'new'): R.act(['run', s] if r.p(80) else ['close', s])
        R.act(['end'])

def generate(seed, size='small', family='all'):
    """-> (case with 'd', trace).  Runs the case while planning its driver."""
    global CUR
    rng = Rng(seed)
    fam = family
    if fam == 'all': fam = rng.wpick([('agen', 62), ('coro', 38)])
    else: rng.u()
    fs = G(rng, size).prog(fam)
    R = CUR = Run(fs, fam)
    d = D(rng, size, R)
    if fam == 'agen': d.agen()
    else: d.coro()
    R.finish()
    return {'id': seed, 'f': fam, 'z': size, 'p': fs, 'd': R.d, 'tags': tags({'f': fam, 'd': R.d}, R.t, R.feat)}, R.t

# ---------------------------------------------------------------- compile to Python
CATCH = {'A': 'A', 'B': 'B', 'AB': '(A, B)', 'Exc': 'Exception', 'BaseExc': 'BaseException', 'GE': 'GeneratorExit',
         'CE': 'CE', 'RT': 'RuntimeError', 'SAI': 'StopAsyncIteration', 'SI': 'StopIteration'}
CATCHC = {k: None for k in CATCH}
class Emit:
    def __init__(self): self.o = []; self.u = 0
    def w(self, ind, s): self.o.append(' ' * ind + s)
    def block(self, b, ind, e):
        if not b: self.w(ind, 'pass')
        for s in b: self.st(s, ind, e)
    def ex(self, kn): return '%s(%d)' % ({'RT': 'RuntimeError', 'SI': 'StopIteration', 'SAI': 'StopAsyncIteration', 'GE': 'GeneratorExit'}.get(kn[0], kn[0]), kn[1])
    def fn(self, i, f):
        hs = 'h_new' in json.dumps(f['b'])
        self.w(0, 'async def f%d(R):' % i)
        self.w(1, 'x = None')
        ind = 1
        if hs: self.w(1, 'h0 = h1 = None'); self.w(1, 'try:'); ind = 2
        self.block(f['b'], ind, None)
        if hs: self.w(1, 'finally: h0 = h1 = None')
        if f['t'] == 'g': self.w(1, 'if 0: yield')
    def st(self, s, ind, e):
        op = s[0]; w = self.w
        if op == 'log': w(ind, 'R.l("log %d")' % s[1])
        elif op == 'aw': w(ind, 'x = await R.sus(%d, %d)' % (s[1], s[2])); w(ind, 'if x is not None: R.l("got %s" % x)')
        elif op == 'awr': w(ind, 'await R.susr(%d, %d, %s)' % (s[1], s[2], self.ex(s[3:5])))
        elif op == 'raise': w(ind, 'raise ' + self.ex(s[1:3]))
        elif op == 'reraise': w(ind, 'raise')
        elif op == 'raisefrom': w(ind, 'raise %s from %s' % (self.ex(s[1:3]), e if s[3] else 'None'))
        elif op == 'y': w(ind, 'yield %r' % (s[1],))
        elif op == 'xy': w(ind, 'x = yield %r' % (s[1],)); w(ind, 'R.l("recv %s" % x)')
        elif op == 'yx': w(ind, 'x = yield x'); w(ind, 'R.l("recv %s" % x)')
        elif op == 'yv':
            if s[2]: w(ind, 'x = yield v%d' % s[1]); w(ind, 'R.l("recv %s" % x)')
            else: w(ind, 'yield v%d' % s[1])
        elif op == 'ret': w(ind, 'return')
        elif op == 'retv': w(ind, 'return %d' % s[1])
        elif op == 'brk': w(ind, 'break')
        elif op == 'cont': w(ind, 'continue')
        elif op == 'seq': self.block(s[1], ind, e)
        elif op == 'call': w(ind, 'x = await F[%d](R)' % s[1]); w(ind, 'R.l("ret %s" % x)')
        elif op == 'shared': w(ind, 'x = await R.shared(%d)' % s[1]); w(ind, 'R.l("ret %s" % x)')
        elif op == 'ifx':
            w(ind, 'if x is None:'); self.block(s[1], ind + 1, e); w(ind, 'else:'); self.block(s[2], ind + 1, e)
        elif op == 'try':
            w(ind, 'try:'); self.block(s[1], ind + 1, e)
            for ks, b in s[2]:
                self.u += 1; n = 'e%d' % self.u
                w(ind, 'except %s as %s:' % (CATCH[ks], n)); w(ind + 1, 'R.l("caught " + chain(%s))' % n)
                self.block(b, ind + 1, n)
            if s[3]: w(ind, 'else:'); self.block(s[3], ind + 1, e)
            if s[4]: w(ind, 'finally:'); self.block(s[4], ind + 1, 'None')
        elif op == 'loop':
            self.u += 1
            w(ind, 'for i%d in range(%d):' % (self.u, s[1])); self.block(s[2], ind + 1, e)
            if s[3]: w(ind, 'else:'); self.block(s[3], ind + 1, e)
        elif op == 'with':
            m = s[1]
            if m[0] == 'mgr': w(ind, 'async with Mgr(R, %r):' % (m,))
            else: w(ind, 'async with R.acm(%d) as av:' % m[1]); w(ind + 1, 'R.l("as %s" % av)')
            self.block(s[2], ind + 1, e)
        elif op == 'stack':
            w(ind, 'async with AsyncExitStack() as st:'); self.block(s[1], ind + 1, e)
        elif op == 'st':
            k = s[1]
            if k == 'enter': w(ind, 'await st.enter_async_context(Mgr(R, %r))' % (s[2],))
            elif k == 'pexit': w(ind, 'st.push_async_exit(Mgr(R, %r))' % (s[2],))
            elif k == 'spush': w(ind, 'st.push(Mgr(R, %r).sexit)' % (s[2],))
            elif k == 'acb': w(ind, 'st.push_async_callback(R.acb, %d, %d, %r)' % (s[2], s[3], s[4]))
            elif k == 'scb': w(ind, 'st.callback(R.scb, %d, %r)' % (s[2], s[4]))
            elif k == 'pop_all': w(ind, 'st = st.pop_all()')
            elif k == 'aclose': w(ind, 'await st.aclose()')
        elif op == 'afor':
            w(ind, 'async for v%d in R.gen(%d):' % (s[2], s[1])); w(ind + 1, 'R.l("item %%s" %% v%d)' % s[2])
            self.block(s[3], ind + 1, e)
            if s[4]: w(ind, 'else:'); w(ind + 1, 'R.l("else")'); self.block(s[4], ind + 1, e)
        elif op == 'aclosing':
            self.u += 1; u = self.u
            w(ind, 'async with aclosing(R.gen(%d)) as c%d:' % (s[1], u))
            w(ind + 1, 'async for v%d in c%d:' % (s[2], u)); w(ind + 2, 'R.l("item %%s" %% v%d)' % s[2])
            self.block(s[3], ind + 2, e)
            w(ind, 'c%d = None' % u)
        elif op == 'h_new': w(ind, 'h%d = R.gen(%d)' % (s[1], s[2]))
        elif op == 'h_op':
            a = {'an': '__anext__()', 'ac': 'aclose()'}.get(s[2])
            if s[2] == 'as': a = 'asend(%r)' % (s[3],)
            if s[2] == 'at': a = 'athrow(%s)' % self.ex(s[3:5])
            w(ind, 'x = await h%d.%s' % (s[1], a)); w(ind, 'R.l("h %s" % x)')
        else: raise AssertionError(op)

def source(prog):
    em = Emit()
    for i, f in enumerate(prog): em.fn(i, f)
    return '\n'.join(em.o) + '\n'

# ---------------------------------------------------------------- runtime
if hasattr(contextlib, 'aclosing'): aclosing = contextlib.aclosing
else:
    class aclosing(contextlib.AbstractAsyncContextManager):
        def __init__(self, t): self.t = t
        async def __aenter__(self): return self.t
        async def __aexit__(self, *a): await self.t.aclose()

@types.coroutine
def _sus(k, tok):
    r = None
    for _ in range(k): r = yield tok
    return r
@types.coroutine
def _susr(k, tok, exc):
    for _ in range(k): yield tok
    raise exc

class Mgr:
    def __init__(self, R, m): self.R = R; _, self.i, self.ek, self.er, self.xk, self.xa = m
    async def __aenter__(self):
        self.R.l('enter %d' % self.i)
        await _sus(self.ek, -self.i)
        if self.er: raise KIND[self.er[0]](self.er[1])
        return self.i
    def sexit(self, t, v, tb):
        self.R.l('exit %d %s' % (self.i, chain(v) if v is not None else '-'))
        return self.act(v)
    def act(self, v):
        xa = self.xa
        if xa is None: return False
        if xa[0] == 'sup': return True
        if xa[0] == 'supk': return v is not None and isinstance(v, Exception if xa[1] == 'Exc' else KIND[xa[1]])
        if xa[0] == 'same':
            if v is not None: raise v
            return False
        raise KIND[xa[1]](xa[2])
    async def __aexit__(self, t, v, tb):
        self.R.l('exit %d %s' % (self.i, chain(v) if v is not None else '-'))
        await _sus(self.xk, -self.i)
        return self.act(v)

CAP = 80
ALARM = float(os.environ.get('ORACLE_ALARM', '0'))   # seconds per case; only needed for Pythons <= 3.9
class Hang(BaseException): pass
def _alarm(*a): raise Hang()
class Run:
    def __init__(self, prog, fam):
        self.d = []; self.slots = {}; self.state = {}; self.fam = fam; self.feat = set(); self.pend = {}; self.l0 = None
        self.t = []; self.cnt = 0; self.fin = []; self.seen = []; self.sh = {}; self.unr = 0
        self.ns = dict(NS); self.ns['F'] = self.F = []
        exec(compile(source(prog), '<case>', 'exec'), self.ns)
        for i in range(len(prog)): self.F.append(self.ns['f%d' % i])
        self.g = self.gen(0) if fam == 'agen' else None
        if self.g is not None: self.l0 = self.g.ag_frame.f_lasti
    def l(self, s): self.t.append(s)
    sus = staticmethod(_sus); susr = staticmethod(_susr)
    def gen(self, i):
        g = self.F[i](self); g.__name__ = 'g%d.%d' % (i, self.cnt); self.cnt += 1; return g
    def acm(self, i): return asynccontextmanager(self.gen)(i)
    def shared(self, i):
        if i not in self.sh: self.sh[i] = self.F[i](self)
        return self.sh[i]
    async def acb(self, i, k, er):
        self.l('cb %d' % i); await _sus(k, -i)
        if er: raise KIND[er[0]](er[1])
    def scb(self, i, er):
        self.l('cb %d' % i)
        if er: raise KIND[er[0]](er[1])
    def firstiter(self, ag): self.l('hook first ' + ag.__name__); self.seen.append(weakref.ref(ag))
    def finalizer(self, ag): self.fin.append(ag)
    # --- one step on an awaitable; True when it is finished
    def step(self, aw, what, *a):
        ex = None
        try:
            if what == 'send': r = aw.send(*a)
            elif what == 'throw': r = aw.throw(KIND[a[0]](a[1]))
            else: r = aw.close()
        except StopIteration as e:
            if what != 'close' : self.l('< done %s' % (e.value,)); return True
            ex = e
        except BaseException as e: ex = e
        if ex is None:
            if what == 'close': self.l('< closed'); return True
            self.l('< sus %s' % (r,)); return False
        self.l('< raise ' + chain(ex)); ex = None
        return True
    def runaw(self, aw):
        for _ in range(CAP):
            if self.step(aw, 'send', None): return
        self.l('< CAP')
    def drain(self):
        while self.fin:
            self.fin.sort(key=lambda g: int(g.__name__.split('.')[1]))
            ag = self.fin.pop(0)
            self.l('hook fin ' + ag.__name__)
            self.runaw(ag.aclose())
            ag = None
    def act(self, a):
        self.d.append(a)
        op = a[0]; slots = self.slots; g = self.g; state = self.state
        self.l('> ' + ' '.join(str(z) for z in a))
        ft = self.feat
        if op in ('send', 'run', 'throw', 'close', 'drop'):
            st = state.get(a[1], 'none'); stop = ('SI', 'SAI')
            if st == 'done' or op in ('throw', 'close', 'drop'): ft.add(('reuse' if op in ('send', 'run') else op + '-' + st) + ('-coro' if self.fam == 'coro' and st == 'new' else ''))
            unst = g is not None and g.ag_frame is not None and g.ag_frame.f_lasti == self.l0
            if st == 'new' and (op == 'throw' and a[2] in stop or op in ('send', 'run') and self.pend.get(a[1]) in stop) and (unst or self.fam == 'coro'): ft.add('stop-unstarted')
            if op == 'throw' and st == 'new' and g is not None and g.ag_running: ft.add('throw-new-running')
            if op == 'send' and st == 'new' and g is not None and g.ag_running: ft.add('running')
        if op in ('anext', 'asend', 'athrow', 'aclose'): self.pend[a[1]] = a[2] if op == 'athrow' else None
        if op in ('end', 'dropgen', 'shutdown') and 'sus' in state.values(): ft.add('leave-sus')
        unst = None
        if op == 'anext': slots[a[1]] = g.__anext__()
        elif op == 'asend': slots[a[1]] = g.asend(a[2])
        elif op == 'athrow': slots[a[1]] = g.athrow(KIND[a[2]](a[3]))
        elif op == 'aclose': slots[a[1]] = g.aclose()
        elif op == 'coro': slots[a[1]] = self.F[0](self)
        if op in ('anext', 'asend', 'athrow', 'aclose', 'coro'): state[a[1]] = 'new'
        elif op in ('send', 'run', 'throw', 'close', 'drop'):
            aw = slots.get(a[1])
            if aw is None: self.l('< none')
            elif op == 'send': state[a[1]] = 'done' if self.step(aw, 'send', a[2] if len(a) > 2 else None) else 'sus'
            elif op == 'run': self.runaw(aw); state[a[1]] = 'done'
            elif op == 'throw': state[a[1]] = 'done' if self.step(aw, 'throw', a[2], a[3]) else 'sus'
            elif op == 'close': self.step(aw, 'close'); state[a[1]] = 'done'
            else: slots.pop(a[1]); state.pop(a[1]); self.l('< dropped')
            aw = None
        elif op == 'shutdown':
            slots.clear()
            for w in list(self.seen):
                ag = w()
                if ag is not None and ag not in self.fin and ag.ag_frame is not None:
                    self.l('close ' + ag.__name__); self.runaw(ag.aclose())
                ag = None
            self.g = g = None
        elif op in ('dropgen', 'end'):
            slots.clear(); self.g = g = None; self.sh.clear()
        self.drain()
    def finish(self):
        self.slots.clear(); self.g = None; self.sh.clear()
        self.drain()

NS = {'A': A, 'B': B, 'Base': Base, 'CE': _aex.CancelledError, 'Mgr': Mgr, 'AsyncExitStack': AsyncExitStack,
      'aclosing': aclosing, 'chain': chain}
CUR = None
def _unr(u):
    if CUR is not None: CUR.l('unraisable ' + (chain(u.exc_value) if u.exc_value is not None else '?'))
def setup():
    warnings.simplefilter('ignore'); gc.disable()
    sys.unraisablehook = _unr
    sys.set_asyncgen_hooks(firstiter=lambda g: CUR.firstiter(g), finalizer=lambda g: CUR.finalizer(g))
def execute(case):
    global CUR
    R = CUR = Run(case['p'], case['f'])
    if ALARM:
        signal.signal(signal.SIGALRM, _alarm); signal.setitimer(signal.ITIMER_REAL, ALARM)
    try:
        for a in case['d']: R.act(a)
        R.finish()
    except Hang: R.l('HANG')
    finally:
        if ALARM: signal.setitimer(signal.ITIMER_REAL, 0)
    t = R.t
    R.F.clear(); R.ns.clear(); R.seen.clear()
    return t

# ---------------------------------------------------------------- tags / classes
def tags(case, trace, feat=()):
    s = set(feat); j = '\n'.join(trace)
    for i, t in enumerate(trace):
        if t.startswith('unraisable'): s.add('unraisable')          # Python-only: sync close in a destructor
    if ' | ' in j: s.add('chain')
    if 'GE' in j: s.add('ge')
    if re.search(r'> (throw|athrow) \d (SI|SAI) ', j): s.add('throw-stop')
    if 'hook fin' in j: s.add('finalizer')
    if case['f'] == 'agen' and case['d'] and any(d[0] in ('anext', 'asend', 'athrow', 'aclose') and d[1] > 0 for d in case['d']): s.add('interleave')
    return sorted(s)

def classes(case, trace):
    """outcome classes of one case (set), for the richness table"""
    c = set(); opk = {}
    lastop = ''
    pend = None
    for t in trace:
        if t.startswith('> '):
            w = t[2:].split()
            lastop = w[0]
            if lastop in ('anext', 'asend', 'athrow', 'aclose'): opk[w[1]] = lastop
            if lastop == 'coro': opk[w[1]] = 'coro'
            pend = opk.get(w[1]) if len(w) > 1 else lastop
            continue
        if t.startswith('< '):
            k = t[2:].split(' | ')[0]
            ctx = lastop if lastop in ('end', 'shutdown', 'dropgen') else (('close' if lastop == 'close' else 'throw' if lastop == 'throw' else 'run') + '/' + str(pend))
            if k.startswith('done'): k = 'done'
            elif k.startswith('sus'): k = 'sus'
            elif k.startswith('raise '):
                e = k[6:]
                k = 'raise ' + (e if not e.split(':')[-1].isdigit() else e.split(':')[0])
            c.add('R ' + ctx + ' -> ' + k)
        elif t.startswith('caught '):
            e = t[7:].split(' | ')[0]; c.add('B caught ' + (e.split(':')[0] if e.split(':')[-1].isdigit() else e))
        elif t.startswith('exit '):
            e = t.split(' ', 2)[2].split(' | ')[0]; c.add('B exit ' + (e.split(':')[0] if e.split(':')[-1].isdigit() else e))
        else: c.add('B ' + t.split()[0] + (' ' + t.split()[1] if t.startswith('hook') else ''))
        if ' | cause' in t: c.add('B chain-cause')
        if ' | ctx' in t: c.add('B chain-ctx')
    return c

# ---------------------------------------------------------------- CLI
def opener(p, m):
    if p == '-': return sys.stdout
    if p.endswith('.gz'):
        if 'w' in m:
            import io
            return io.TextIOWrapper(gzip.GzipFile(filename='', mode='wb', fileobj=open(p, 'wb'), mtime=0, compresslevel=9))
        return gzip.open(p, 'rt')
    return open(p, m)
def rng(s):
    a, b = s.split(':'); return range(int(a), int(b))
def dumps(o): return json.dumps(o, separators=(',', ':'))
def main():
    ap = argparse.ArgumentParser(); sp = ap.add_subparsers(dest='cmd')
    for n in ('gen', 'stat'):
        q = sp.add_parser(n); q.add_argument('--seeds', default='0:1000'); q.add_argument('--size', default='small')
        q.add_argument('--family', default='all'); q.add_argument('-o', default='-'); q.add_argument('--drop-unraisable', action='store_true'); q.add_argument('--verify', action='store_true')
    q = sp.add_parser('show'); q.add_argument('--seed', type=int); q.add_argument('--size', default='small'); q.add_argument('--family', default='all')
    q = sp.add_parser('run'); q.add_argument('file'); q.add_argument('-o', default='-')
    q = sp.add_parser('check'); q.add_argument('file')
    q = sp.add_parser('diff'); q.add_argument('a'); q.add_argument('b'); q.add_argument('--show', type=int, default=0); q.add_argument('--no-chain', action='store_true')
    q = sp.add_parser('merge'); q.add_argument('ref'); q.add_argument('others', nargs='+'); q.add_argument('-o', required=True); q.add_argument('--limit', type=int, default=0)
    a = ap.parse_args()
    if a.cmd == 'diff': return diff(a)
    if a.cmd == 'merge': return merge(a)
    setup()
    if a.cmd == 'show':
        c, t = generate(a.seed, a.size, a.family); print(dumps(c)); print(source(c['p'])); print('\n'.join(t)); print('replay identical:', execute(c) == t); return
    if a.cmd == 'gen':
        with opener(a.o, 'w') as f:
            f.write(dumps({'schema': SCHEMA, 'python': '%d.%d.%d' % sys.version_info[:3], 'seeds': a.seeds, 'size': a.size, 'family': a.family}) + '\n')
            n = 0
            for s in rng(a.seeds):
                c, t = generate(s, a.size, a.family); tg = c['tags']
                if a.verify and execute(c) != t: print('NONDETERMINISTIC', s, file=sys.stderr)
                if a.drop_unraisable and 'unraisable' in tg: continue
                c['t'] = t; f.write(dumps(c) + '\n'); n += 1
                if n % 500 == 0: gc.collect()
        return
    if a.cmd == 'stat':
        cnt = collections.Counter(); ln = 0; fam = collections.Counter(); tg = collections.Counter(); t0 = time.perf_counter(); g = 0.0
        stm = collections.Counter(); drv = collections.Counter(); uniq = set()
        for n, s in enumerate(rng(a.seeds)):
            q0 = time.perf_counter(); c, t = generate(s, a.size, a.family); ln += len(t); fam[c['f']] += 1; uniq.add(hash(tuple(t)))
            for k in classes(c, t): cnt[k] += 1
            for k in c['tags']: tg[k] += 1
            for d in c['d']: drv[d[0]] += 1
            if n % 1000 == 999: gc.collect()
        dt = time.perf_counter() - t0; n += 1
        print('cases %d  %.1fs  %.0f cases/s  trace lines/case %.1f  distinct traces %d  python %s' % (n, dt, n / dt, ln / n, len(uniq), sys.version.split()[0]))
        print('family', dict(fam)); print('tags', dict(tg)); print('driver', dict(drv))
        for k, v in sorted(cnt.items(), key=lambda z: -z[1]): print('%8d  %6.3f%%  %s' % (v, 100.0 * v / n, k))
        return
    if a.cmd in ('run', 'check'):
        bad = n = 0
        with opener(a.file, 'r') as f:
            out = opener(a.o, 'w') if a.cmd == 'run' else None
            h = json.loads(f.readline())
            if out: h['python'] = '%d.%d.%d' % sys.version_info[:3]; out.write(dumps(h) + '\n')
            for line in f:
                c = json.loads(line); t = execute(c); n += 1
                if out: c['t'] = t; out.write(dumps(c) + '\n')
                elif t != c['t']: bad += 1
                if n % 500 == 0: gc.collect()
            if out and out is not sys.stdout: out.close()
        if not out: print('checked', n, 'mismatching', bad, 'python', sys.version.split()[0]); sys.exit(bad > 0)
EXCLUDE = {  # feature -> why it is kept out of the Rust corpus
    'unraisable': 'synchronous close() run by a destructor', 'stop-unstarted': 'CPython >= 3.12 skips PEP 479 before the first instruction',
    'close-new': 'closing an unstarted awaitable kills the generator in 3.13', 'drop-sus': 'dropping a suspended awaitable wedges the generator',
    'leave-sus': 'same'}
EXPLAINED = {'close-sus', 'ge', 'throw-new-running', 'throw-new', 'running', 'reuse', 'throw-done'}   # follow 3.13
def merge(a):
    nc = lambda t: [z.split(' | ')[0] for z in t]
    fs = [opener(p, 'r') for p in [a.ref] + a.others]
    hs = [json.loads(f.readline()) for f in fs]
    cnt = collections.Counter(); n = 0; pool = []
    with opener(a.o, 'w') as out:
        h = hs[0]; h['checked_against'] = [x['python'] for x in hs[1:]]; out.write(dumps(h) + '\n')
        for lines in zip(*fs):
            cs = [json.loads(l) for l in lines]; c = cs[0]; cnt['total'] += 1
            bad = set(c['tags']) & set(EXCLUDE)
            if bad:
                for b in bad: cnt['excluded ' + b] += 1
                cnt['excluded'] += 1; continue
            vs = [x['python'] for x, y in zip(hs[1:], cs[1:]) if nc(y['t']) != nc(c['t'])]
            vc = [x['python'] for x, y in zip(hs[1:], cs[1:]) if y['t'] != c['t']]
            if vs and not set(c['tags']) & EXPLAINED: cnt['dropped: unexplained version difference'] += 1; continue
            if vs: c['differs'] = vs; cnt['kept, 3.13 differs from an older version'] += 1
            elif vc: cnt['kept, only the chain differs'] += 1; c['chain_differs'] = vc
            else: cnt['kept, identical in all versions'] += 1
            pool.append(c)
        # stratified choice: every outcome class gets up to QUOTA cases, the rest is filled in seed order
        QUOTA = 25; by = collections.defaultdict(list)
        for i, c in enumerate(pool):
            c['_k'] = classes(c, c['t'])
            for k in c['_k']: by[k].append(i)
        sel = set(); have = collections.Counter()
        for k in sorted(by, key=lambda z: (len(by[z]), z)):
            for i in by[k]:
                if have[k] >= QUOTA or (a.limit and len(sel) >= a.limit): break
                if i not in sel:
                    sel.add(i)
                    for q in pool[i]['_k']: have[q] += 1
        for i in range(len(pool)):
            if a.limit and len(sel) >= a.limit: break
            sel.add(i)
        for i in sorted(sel):
            del pool[i]['_k']; out.write(dumps(pool[i]) + '\n'); n += 1
    cnt['kept'] = n
    for k, v in cnt.most_common(): print('%8d %s' % (v, k))
def diff(a):
    st = lambda s: s.split(' | ')[0] if a.no_chain else s
    cnt = collections.Counter(); ex = {}; n = bad = 0
    with opener(a.a, 'r') as f, opener(a.b, 'r') as g:
        f.readline(); g.readline()
        for x, y in zip(f, g):
            x = json.loads(x); y = json.loads(y); n += 1
            tx = [st(z) for z in x['t']]; ty = [st(z) for z in y['t']]
            if tx == ty: continue
            bad += 1
            i = next((i for i, (p, q) in enumerate(zip(tx, ty)) if p != q), min(len(tx), len(ty)))
            p = tx[i] if i < len(tx) else '(end)'; q = ty[i] if i < len(ty) else '(end)'
            op = next((z for z in reversed(tx[:i]) if z.startswith('> ')), '')
            import re
            cl = lambda z: re.sub(r'-?\d+(\.\d+)?', 'N', z.split(' | ')[0]) + (' |chain' if not a.no_chain and p.split(' | ')[0] == q.split(' | ')[0] else '')
            mk = ''
            w = op.split()
            if len(w) > 2 or (len(w) == 3):
                for z in reversed(tx[:i]):
                    zz = z.split()
                    if z.startswith('> ') and zz[1] in ('anext', 'asend', 'athrow', 'aclose', 'coro') and zz[2] == w[2]: mk = zz[1]; break
            k = '%s/%s: %s  =>  %s' % (w[1] if len(w) > 1 else '', mk, cl(p), cl(q))
            cnt[k] += 1; ex.setdefault(k, []).append(x['id'])
    print('compared', n, 'differ', bad, '(%.2f%%)' % (100.0 * bad / max(n, 1)))
    for k, v in cnt.most_common(60): print('%6d  %s   e.g. %s' % (v, k, ex[k][:4]))
if __name__ == '__main__': main()
