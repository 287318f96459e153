"""Words to make people of: names and places. Streets and numbers are invented; everybody's mail ends in example.*"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town with how its postal codes begin, and the languages its people write in."""

    city: str
    state: str
    country: str
    postal: tuple[str, ...]
    locales: tuple[str, ...]
    phone: str
    weight: int


def _words(text: str) -> list[str]:
    return text.split()


def _names(text: str) -> list[str]:
    return text.split("|")


FIRST_FR = _words(
    "Maude Geneviève Jean-François Catherine Mathieu Véronique Félix Rosalie Étienne Josée Alexis Sandrine Pascal "
    "Noémie Guillaume Amélie Raphaël Isabelle Simon Élodie Louis-Philippe Camille Antoine Stéphanie Olivier Mélanie "
    "Charles Annie Vincent Chantal Gabriel Nadia Thomas Sylvie Jérôme Léa Benoît Karine Hugo Marie-Ève "
    "Xavier Juliette Luc Florence Samuel Mylène Zacharie Béatrice Normand Océane Yves Fatou Karim Linh"
)
FIRST_EN = _words(
    "Emily James Sarah Michael Jessica David Hannah Daniel Rachel Andrew Megan Christopher Laura Peter Olivia Mark "
    "Grace Ryan Chloe Kevin Priya Ahmed Wei Sofia Nathan Abigail Owen Ruth Graham Ingrid Marcus Leila Tobias "
    "Nora Colin Maya"
)
LAST_FR = _words(
    "Tremblay Gagnon Roy Côté Bouchard Gauthier Morin Lavoie Fortin Gagné Ouellet Pelletier Bélanger Lévesque Bergeron "
    "Leblanc Paquette Girard Simard Boucher Caron Beaulieu Cloutier Dubé Poirier Fournier Lapointe Leclerc Lefebvre "
    "Thibault St-Pierre Nadeau Martel Turcotte Desjardins Hébert Charbonneau Rousseau Vachon Dufour Savard Grenier "
    "Laflamme Deschênes Parent Couture Blais Bernier Audet Arsenault Nguyen Diallo Benali"
)
LAST_EN = _words(
    "Smith Campbell Brown Wilson MacDonald Taylor Anderson Clarke Murphy Walker Fraser Reid Hughes Patel Kim Singh "
    "Ross Bennett Sullivan Foster Cohen Nowak Whitman Larsen Park Hayes Ortiz Lindgren O'Connor Doyle Barrett Chen"
)

STREETS_FR = _names(
    "rue Saint-Jean|avenue du Parc|rue des Érables|chemin du Lac|rue Principale|boulevard Laurier|rue Cartier|"
    "rang Saint-Joseph|rue Notre-Dame|avenue des Pins|côte de la Montagne|rue du Moulin|rue Sainte-Catherine|"
    "chemin Royal|rue de la Fabrique|avenue Maguire|rue du Fleuve|rue Marquette|rue des Lilas|montée du Coteau"
)
STREETS_EN = _names(
    "Maple Street|Elm Avenue|Church Street|Main Street|King Street|Lakeshore Road|Oak Lane|Mill Road|Prospect Street|"
    "College Avenue|Hillside Drive|Bank Street|Pine Street|Queen Street|Spring Street"
)
UNITS_FR = ("app. 2", "app. 4", "bureau 200", "app. 12", "app. 301")
UNITS_EN = ("Apt 3", "Unit 12", "Suite 200", "Apt 7B")

COMPANIES = _names(
    "Studio Lièvre|Clinique des Érables|Atelier Nordet|Imprimerie du Faubourg|Cabinet Morin Roy|Coopérative La Halte|"
    "Menuiserie Beauregard|Galerie du Quai|Architectes Boréal|Agence Mille Pattes|Éditions du Ruisseau|"
    "Dentaire Laurier|Théâtre de la Dérive|Garderie Les Petits Pas|Notaires Cartier|"
    "Vélo Cité|Laboratoire Onze|Auberge du Détour|"
    "Comptables Fournier|École Sainte-Anne"
)

_FR, _BOTH, _EN = ("fr-ca",), ("fr-ca", "fr-ca", "en"), ("en",)
QUEBEC = (
    Place("Québec", "QC", "CA", ("G1R", "G1K", "G1S", "G1L", "G2E"), _FR, "418", 26),
    Place("Montréal", "QC", "CA", ("H2T", "H2J", "H2W", "H3K", "H4C", "H1X"), _BOTH, "514", 34),
    Place("Lévis", "QC", "CA", ("G6V", "G6W"), _FR, "418", 8),
    Place("Sherbrooke", "QC", "CA", ("J1H", "J1L"), _BOTH, "819", 8),
    Place("Gatineau", "QC", "CA", ("J8X", "J8Y"), _BOTH, "819", 7),
    Place("Trois-Rivières", "QC", "CA", ("G9A", "G8Z"), _FR, "819", 5),
    Place("Rimouski", "QC", "CA", ("G5L",), _FR, "418", 4),
    Place("Saguenay", "QC", "CA", ("G7H", "G7J"), _FR, "418", 4),
    Place("Laval", "QC", "CA", ("H7N", "H7V"), _BOTH, "450", 6),
    Place("Longueuil", "QC", "CA", ("J4K", "J4J"), _BOTH, "450", 5),
    Place("Baie-Saint-Paul", "QC", "CA", ("G3Z",), _FR, "418", 3),
    Place("Granby", "QC", "CA", ("J2G",), _FR, "450", 3),
    Place("Bromont", "QC", "CA", ("J2L",), _BOTH, "450", 2),
    Place("Ottawa", "ON", "CA", ("K1N", "K2P"), _EN, "613", 6),
    Place("Toronto", "ON", "CA", ("M5V", "M6J"), _EN, "416", 5),
    Place("Moncton", "NB", "CA", ("E1C",), _FR, "506", 2),
)
UNITED_STATES = (
    Place("Burlington", "VT", "US", ("05401", "05408"), _EN, "802", 5),
    Place("Portland", "ME", "US", ("04101", "04103"), _EN, "207", 4),
    Place("Boston", "MA", "US", ("02118", "02130"), _EN, "617", 5),
    Place("Brooklyn", "NY", "US", ("11201", "11215"), _EN, "718", 5),
    Place("Seattle", "WA", "US", ("98103", "98122"), _EN, "206", 2),
)
EUROPE = (
    Place("Paris", "", "FR", ("75011", "75018", "75020"), ("fr",), "01", 5),
    Place("Lyon", "", "FR", ("69001", "69007"), ("fr",), "04", 4),
    Place("Nantes", "", "FR", ("44000",), ("fr",), "02", 3),
    Place("Bruxelles", "", "BE", ("1000", "1050"), ("fr",), "02", 3),
    Place("Amsterdam", "", "NL", ("1016 AB", "1054 CD"), _EN, "020", 2),
)
BY_CURRENCY = {"cad": QUEBEC, "usd": UNITED_STATES, "eur": EUROPE}
