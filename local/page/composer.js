// The box in which the user writes, and the choice of a document.

const LONGEST_CODE_POINTS = 16_000;

/** Wires the composer; `on` has send {message, documentId} and stop. */
export function createComposer({ form, box, send, stop, escapeHint, tooLong, picker, pickerField, storage, on }) {
  function submit() {
    const message = box.value.trim();
    if (message === '' || isTooLong(message)) return;
    on.send(message, picker.value || null);
    write('');
  }

  function write(text) {
    box.value = text;
    changed();
    box.focus();
  }

  function changed() {
    const excess = isTooLong(box.value);
    send.disabled = box.value.trim() === '' || excess;
    box.setAttribute('aria-invalid', String(excess));
    tooLong.hidden = !excess;
    if (excess) tooLong.textContent = tooLongWords(box.value);
    storage.set('draft', box.value || null);
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener('input', changed);
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  stop.addEventListener('click', () => {
    on.stop();
    box.focus();
  });
  picker.addEventListener('change', () => storage.set('document', picker.value));

  box.value = storage.get('draft') ?? '';
  changed();

  return {
    write,
    documentId: () => picker.value || null,
    setRunning(running) {
      stop.hidden = escapeHint.hidden = !running;
    },
    /** Offers the documents; the first is chosen until the user chooses otherwise. */
    setDocuments(documents) {
      picker.replaceChildren(new Option('None', ''), ...documents.map(({ id, title }) => new Option(title || id, id)));
      const kept = storage.get('document');
      const isThere = kept === '' || documents.some(({ id }) => id === kept);
      picker.value = isThere ? kept : (documents[0]?.id ?? '');
      pickerField.hidden = documents.length === 0;
    },
  };
}

function tooLongWords(text) {
  const count = (n) => n.toLocaleString('en');
  return `At most ${count(LONGEST_CODE_POINTS)} characters; this has ${count([...text].length)}. `;
}

function isTooLong(text) {
  return text.length > LONGEST_CODE_POINTS && [...text].length > LONGEST_CODE_POINTS;
}
