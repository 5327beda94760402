"""How well the face detector finds faces in photographs."""
