"""A GMVAE as a versioned SavedModel: what `tf_gmvae.export` is made of.

- `networks`: a copy of the model with the convolutions that are fastest at small batches.
- `signatures`: the questions that a client can ask, as TensorFlow functions.
- `images`: encoded pictures to examples.
- `headers`: the size of an encoded picture, known before it is decoded.
- `checks`: refusals, each a sentence.
- `draws`: seeds to noise, each example's its own.
- `warmup`: one recorded request a signature, which TensorFlow Serving replays when it loads.
- `card`: the model card.
- `versions`: the folder of numbered versions, each of which appears whole.
"""
