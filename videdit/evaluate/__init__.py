"""Editing methods compared on people that no network has seen, by judges that took no part in training.

people      who is measured on      bench     an edit seen through: render, composite, judge
methods     what is compared        baselines InterFaceGAN and GANSpace on the same latents
ladder      change, preservation and identity at matched change rate
drift       edit after edit, there and back, several at once
leakage     what else moves         run       all of it      tables, figures   for people
"""
