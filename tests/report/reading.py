"""A page as a browser takes it apart: elements, their attributes, texts."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """``elements`` are (name, attributes); ``texts`` what stands between tags, styles left out."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def of(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]
