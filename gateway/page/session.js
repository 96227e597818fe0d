// A session that has ended is begun anew where it ended: whatever the page asks for and may not have leads to the form.
(() => {
  const ask = window.fetch;
  window.fetch = async (...question) => {
    const answer = await ask(...question);
    if (answer.status === 401 && new URL(answer.url).origin === location.origin) location.reload();
    return answer;
  };
})();
