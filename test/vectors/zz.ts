import { nativeSuite } from '@onlysum/crypto/node';
import { unsafeSeededRng } from '@onlysum/crypto';
import * as p from './play-round.js';
try { const r = p.playRound(nativeSuite); console.log(r.task.layout.lanes.map(l=>[l.label,l.bound,l.width]), r.result.lanes, r.result.dropped, r.result.silent, r.devices.map(d=>[d.draws.map(x=>x.length), d.outcome?.kind])); } catch(e) { console.log(e); }
