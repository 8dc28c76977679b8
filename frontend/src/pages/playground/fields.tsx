// The record, field by field: types, examples and pictures as the signature of the version says.
import { useState } from 'preact/hooks';
import { plural } from '../../parts/format.ts';
import { inputOf, type Column, type Texts } from './record.ts';

const LARGEST = 700_000; // bytes of a picture: as base64 it fits the console's door

interface Props {
  columns: Column[];
  texts: Texts;
  examples: Texts; // the first example, for hints
  wrong: Texts;
  write: (name: string, text: string) => void;
}

export function Fields({ columns, texts, examples, wrong, write }: Props) {
  return (
    <div class="record">
      {columns.map((column) => (
        <One key={column.name} column={column} text={texts[column.name] ?? ''} example={examples[column.name] ?? ''} wrong={wrong[column.name]} write={(text) => write(column.name, text)} />
      ))}
    </div>
  );
}

interface OneProps {
  column: Column;
  text: string;
  example: string;
  wrong: string | undefined;
  write: (text: string) => void;
}

function One({ column, text, example, wrong, write }: OneProps) {
  const input = inputOf(column, example);
  const id = `record-${column.name}`;
  const told = { id, name: column.name, 'aria-invalid': wrong ? true : undefined, 'aria-describedby': wrong ? `${id}-wrong` : undefined };
  const wide = input === 'area' || input === 'picture';
  return (
    <div class={`field${wide ? ' wide' : ''}${wrong ? ' wrong-field' : ''}`}>
      <label for={id} title={column.name}><span class="cut">{column.name}</span> <small class="muted">{typeOf(column)}</small></label>
      {input === 'picture' ? <Picture {...told} column={column} text={text} write={write} />
        : input === 'choice' ? (
          <select {...told} value={text} onChange={(event) => write(event.currentTarget.value)}>
            <option value="">not known</option><option value="true">true</option><option value="false">false</option>
          </select>
        ) : input === 'area' ? <textarea {...told} rows={4} value={text} spellcheck={false} onInput={(event) => write(event.currentTarget.value)} />
          : (
            <input {...told} type={input} step={input === 'datetime-local' ? 1 : undefined} value={text} spellcheck={false} autocomplete="off" placeholder="not known"
              inputMode={column.sent === 'number' || column.sent === 'integer' ? 'decimal' : undefined} list={column.values.length ? `${id}-values` : undefined}
              onInput={(event) => write(event.currentTarget.value)} />
          )}
      {column.values.length > 0 && input === 'text' && <datalist id={`${id}-values`}>{column.values.map((value) => <option key={value} value={value} />)}</datalist>}
      {wrong && <small id={`${id}-wrong`} class="bad">{wrong}</small>}
    </div>
  );
}

const WORDS: Record<string, string> = { integer: 'whole number', string: 'text', boolean: 'true or false', image: 'picture', tensor: 'numbers' };

function typeOf({ sent, kind, unit, shape }: Column): string {
  const word = kind === 'category' ? 'category' : WORDS[sent] ?? sent;
  const size = shape.length ? ` ${shape.slice(0, 2).join(' × ')}` : '';
  return `${word}${size}${unit && sent !== 'date' ? `, ${unit}` : ''}`;
}

function Picture({ column, text, write, ...told }: { column: Column; text: string; write: (text: string) => void; id: string; name: string }) {
  const [problem, say] = useState('');
  const read = (file: File | undefined) => {
    if (!file) return;
    if (file.size > LARGEST) return say(`${file.name} has ${Math.round(file.size / 1000)} kB; the console passes on ${LARGEST / 1000} kB, larger ones go to the endpoint itself`);
    say('');
    const reader = new FileReader();
    reader.onload = () => write(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => say(`${file.name} cannot be read`);
    reader.readAsDataURL(file);
  };
  return (
    <div class="picture" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); read(event.dataTransfer?.files[0]); }}>
      {text ? <img src={`data:image/*;base64,${text}`} alt={`${column.name} as it is sent`} /> : <span class="muted none">no picture</span>}
      <div>
        <input {...told} type="file" accept="image/png,image/jpeg" onChange={(event) => read(event.currentTarget.files?.[0])} />
        <p class="muted small">PNG or JPEG, {column.shape[1]} × {column.shape[0]} pixels, {plural(column.shape[2] ?? 1, 'channel')}; another size is scaled</p>
        {problem && <p class="bad small" role="alert">{problem}</p>}
      </div>
    </div>
  );
}
