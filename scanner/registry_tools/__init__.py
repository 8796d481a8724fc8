"""What keeps a registry in order: linting it, adopting what owners filled in, converting it between formats.

``values`` what a column holds and how that is written · ``opened`` a file with its rows · ``writing`` edits of each
format · ``saving`` edits checked and put in place · ``filled_in``, ``drafts`` what is to be declared · ``addressing``
which entry that is about · ``adoption`` what it changes · ``revising`` these changes as edits of files · ``lint``,
``impossible``, ``overlaps``, ``quality`` what is wrong, and how complete it is · ``convert`` · ``text`` all of it for a
terminal.
"""
