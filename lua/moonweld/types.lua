---@meta moonweld
--- types.lua: the vocabulary of recipes, and at the end the module `moonweld` of programs, for editors that read LuaCATS
--- annotations (LuaLS). It describes and does nothing: env.lua is the vocabulary, src/module/ the module. Point
--- `workspace.library` at its folder.

---A plain number, one that varies over the tensors (`layers`, `pick`, `setting`), or one that is known only when the merge runs.
---@alias Number number|Field|Scalar
---A tensor, every tensor of a model, or every member of a list. Two lists pair up; anything else is repeated.
---@alias Value Tensor|Model|List
---@alias Operand Value|Number

-- <made of elementwise.def by `make docs`>
---What can be done element by element, and reduced.
---@class Elements
---@operator add(Operand): self # the sum
---@operator sub(Operand): self # the difference
---@operator mul(Operand): self # the product
---@operator div(Operand): self # the quotient
---@operator band(Operand): self # 1 where both are not 0, else 0
---@operator bor(Operand): self # 1 where one is not 0, else 0
---@operator bnot: self # 1 where x is 0, else 0
---@operator unm: self # the negative
---@operator pow(Operand): self # x to the power of y
local Elements = {}
---@param v Operand
---@return self # the smaller of x and v
function Elements:atmost(v) end
---@param v Operand
---@return self # the larger of x and v
function Elements:atleast(v) end
---@param y Operand
---@return self # 1 where x < y, else 0
function Elements:lt(y) end
---@param y Operand
---@return self # 1 where x <= y, else 0
function Elements:le(y) end
---@param y Operand
---@return self # 1 where x = y, else 0
function Elements:eq(y) end
---@param y Operand
---@return self # 1 where x differs from y, else 0
function Elements:ne(y) end
---@return self # the magnitude
function Elements:abs() end
---@return self # 1, 0 or -1
function Elements:sign() end
---@return self # the next whole number below
function Elements:floor() end
---@return self # the nearest whole number, the even one of two
function Elements:round() end
---@return self # the square root
function Elements:sqrt() end
---@return self # e to the power of x
function Elements:exp() end
---@return self # the natural logarithm
function Elements:log() end
---@return self # the hyperbolic tangent
function Elements:tanh() end
---@return self # the sine of an angle in radians
function Elements:sin() end
---@return self # the cosine of an angle in radians
function Elements:cos() end
---@return self # the angle in radians whose cosine is x
function Elements:acos() end
---@param x Operand
---@param y Operand
---@return Value # x / y, 0 where y is 0
function ratio(x, y) end
---@param mask Operand
---@param x Operand
---@param y Operand
---@return Value # x where the mask is not 0, else y
function where(mask, x, y) end
-- </made of elementwise.def>
---@param x Operand
---@param instead number|string what it is where it is 0, or the text of an error
---@param options? { within?: number } how far from 0 it may be, 0
---@return Value # x, which is not 0
function nonzero(x, instead, options) end
---@param low Operand
---@param high Operand
---@return self
function Elements:clamp(low, high) end
---@param y Operand
---@return self # a mask: 1 where x > y
function Elements:gt(y) end
---@param y Operand
---@return self # a mask: 1 where x >= y
function Elements:ge(y) end
---@param mask Operand
---@return self # x where the mask is not 0, else 0
function Elements:keep(mask) end
---@param columns Value one number for each element of the last dimension
---@return self
function Elements:scale_columns(columns) end
---@param rows Value one number for each row of a matrix
---@return self
function Elements:scale_rows(rows) end

---the same, which may be a result whatever it weighs: a delta, a mask, a moment
---@return self
function Elements:unweighed() end

---What is reduced. "column": one value for each element of the last dimension, an input; a vector too, found by a pass. "row": each run of the last dimension, the weights of one output; `of = n`: every n neighbours along a row.
---Then the result is a vector, which goes with its tensor in arithmetic (`x / x:norm{per = "row"}`) and takes no pass of its own.
---A tensor of one dimension is one row. Where a word needs a tensor (T, slice, join, reshape, matmul, rank, ...) a vector of rows is one of
---[rows, 1], a vector of columns one of [1, columns].
---@alias Axis { per?: "tensor"|"row"|"column"|"model", of?: integer }

---@param axis? Axis
---@return Scalar
function Elements:total(axis) end
---@param axis? Axis
---@return Scalar # another name of total
function Elements:sum(axis) end
---@param axis? Axis
---@return Scalar
function Elements:mean(axis) end
---@param axis? Axis
---@return Scalar # L2
function Elements:norm(axis) end
---@param axis? Axis
---@return Scalar # the largest |x|
function Elements:peak(axis) end
---@param axis? Axis
---@return Scalar
function Elements:max(axis) end
---@param axis? Axis
---@return Scalar
function Elements:min(axis) end
---@param axis? Axis
---@return Scalar # the index of the largest, from 0; of equal ones the first
function Elements:argmax(axis) end
---@param axis? Axis
---@return Scalar # the index of the smallest, from 0; of equal ones the first
function Elements:argmin(axis) end
---@param axis? Axis
---@return Scalar # how many elements are not 0
function Elements:count(axis) end
---@param axis? Axis
---@return Scalar # variance of the population
function Elements:var(axis) end
---@param axis? Axis
---@return Scalar # standard deviation of the population
function Elements:std(axis) end
---@param y Value|Flat
---@param axis? Axis
---@return Scalar
function Elements:dot(y, axis) end
---@param y Value|Flat
---@param axis? Axis
---@return Scalar # 0 if either is zero
function Elements:cosine(y, axis) end
---@param q number from 0 to 1
---@param axis? Axis
---@return Scalar # the lower neighbour, exact
function Elements:quantile(q, axis) end
---@param k integer|Scalar from 1
---@return Scalar # the k-th largest |x|, exact
function Elements:kth_magnitude(k) end
---@param axis? Axis
---@return self # exp(x) by its sum
function Elements:softmax(axis) end
---@return self # a model in layers, each one vector, and all that lies outside of them another: of it, total, norm, mean, peak, max, min, dot and cosine give a number a layer
function Elements:by_layer() end
---@param label string what the number is
---@return self # the same; the number is told when the merge knows it, to standard error and in the lock file
function Elements:show(label) end
---@param how "total"|"mean"|"max"|"min"|"median"|"var"|"std"
---@return Scalar # of a model of numbers, such as x:norm(), or of a number of each layer, such as x:by_layer():norm()
function Elements:across(how) end
---@param axis? Axis not per = "model"
---@return self # each element's place among all: 0 for the smallest, 1 for the largest; equal ones in their order
function Elements:rank(axis) end
---@return self # x * x
function Elements:square() end
---@return self # 1 / (1 + exp(-x))
function Elements:sigmoid() end
---@return self # the larger of x and 0
function Elements:relu() end
---@param dtype "bf16"|"f16"|"f32"|"f64"|"stored"
---@return self # rounded to this type here; "f64": from here on computed in it; "stored": to the least that holds what each tensor is made of
function Elements:as(dtype) end

---Keeps every |x| at least the (d - int(d*density))-th smallest of the tensor or of the model. `count = "exact"` keeps
---int(d*density), of equal ones the lower index; "some" as many, but at least one where density is not 0. Density 1 keeps
---all; density 0 keeps the largest with "ties", else nothing.
---@param density Number
---`count = "number"`: the density is that number of elements itself, which may be lazy, as a density may. `of = m`: so many of
---every m neighbours along a row. `below = g`: what follows the int(d*g) largest of the tensor; so many of those stay that
---int(d*density) can be kept.
---@param options? { per?: "tensor"|"row"|"model", count?: "ties"|"exact"|"some"|"number", of?: integer, below?: Number }
---@return self
function Elements:keep_top(density, options) end
---Independent draws: one for each element, from a stream of the seed, its labels and the tensor's name; members of a list
---draw from streams of their own, so two models never share a mask. A draw is true where a number of 32 bits is below
---p * 2^32: what is true with probability p is true with every greater one.
---@param p Number|Value of all, or one for each element
---@param seed Seed
---@return self # a mask, 1 with probability p
function Elements:bernoulli(p, seed) end
---@param seed Seed
---@return self # standard normal variates
function Elements:normal(seed) end
---DARE's step: every element is dropped with probability p on its own; what is left is multiplied by 1 / (1 - p)
---(inverse), or given back the tensor's L1 norm (l1; not where either norm is below 1e-7), or kept (none). p = 0 changes
---nothing, p = 1 gives 0.
---@param p Number|Value share dropped
---@param seed Seed
---@param options? { rescale?: "inverse"|"l1"|"none" }
---@return self
function Elements:drop_rescale(p, seed, options) end

---Rows and columns first .. end - 1, counted from 0; negative numbers count from the end. Rows are counted along the first
---dimension, columns along the last.
---@param ranges { rows?: integer[], columns?: integer[] }
---@return self
function Elements:slice(ranges) end
---@param shape integer[] rows and columns
---@return self # its one row as every row, or its one column as every column
function Elements:broadcast(shape) end
---@param rows (integer|false)[] rows in this order; false for a row of zeros
---@return self
function Elements:gather(rows) end
---@param shape integer[] of as many elements
---@return self
function Elements:reshape(shape) end
---@return self # a matrix with its rows as columns; of a tensor of more dimensions its last two
function Elements:T() end

---@return self # along the last dimension the sums up to each element
function Elements:cumulative() end
---@return self # the matrix on its diagonal, else 0
function Elements:diagonal() end
---@return integer # the smaller side of a matrix, known while planning
function Elements:rank_max() end

---@class Tensor: Elements
---@field shape integer[] # known while planning
---@field dtype string # "bf16" as its file has it; of what is computed "f32" or "f64"
---A number that is known only when the merge runs.
---@class Scalar: Elements
---A number that varies over the tensors of a model.
---@class Field: Elements

---@class Model: Elements
---@field [string] Tensor # by its name, such as m["model.norm.weight"]
---@field config table # config.json, as with_config has changed it; it cannot be changed
local Model = {}
---@param name string
---@return Tensor # also where its name is a word of models
function Model:tensor(name) end
---@param glob string|Model `*`, `?`, `[abc]`, or a model: the tensors that it has. One that matches nothing is an error
---@return Model
function Model:only(glob) end
---@param glob string
---@return Model
function Model:except(glob) end
---@param name string
---@return boolean
function Model:has(name) end
---@param f fun(tensor: Tensor, name: string): Tensor|Scalar|number
---@return Model
function Model:map(f) end
---@param other Model|table<string, Tensor>
---@param options? { add?: boolean } also tensors that the model lacks
---@return Model # other's tensors in the place of those of the same name
Model["with"] = function(self, other, options) end
---@return string[] # of all its tensors, in byte order; pairs(m) goes over names and tensors
function Model:names() end
---@param from string|fun(name: string): string? a glob; or what gives each tensor its name, nil to drop it
---@param to? string where each `*` is what `*` matched
---@return Model
function Model:rename(from, to) end
---The layers first .. end - 1, or those of a list in its order, counted from 0 again, with all that lies outside of the layers.
---Negative numbers count from the end.
---@param first integer|integer[]
---@param last? integer|{ of?: string, beside?: "all"|"before"|"after"|"none" } the end; without it, all that follow
---@param options? { of?: string, beside?: "all"|"before"|"after"|"none" } the stack, where there are several, such as "model.encoder.layers"; what of those outside
---@return Model
function Model:layers(first, last, options) end
---@param options? { of?: string }
---@return integer # how many layers it has
function Model:depth(options) end
---The tensors of a part of a model that has several: of one that reads images `text_decoder`, `vision_tower`, `audio_tower`,
---`multi_modal_projector`; of an encoder and a decoder these two and what they share, `shared`.
---@param name string
---@return Model
function Model:part(name) end
---@param changes table keys of config.json; the rest of the file keeps its bytes
---@return Model
function Model:with_config(changes) end
---@return Model # the same names and shapes, all zeros
function Model:zeros() end
---@return Flat # the model as one vector, tensors in name order
function Model:flat() end
---@return Model # its tensors of two dimensions and more, which are matrices or rows of them
function Model:matrices() end
---@return Model # of a model given as MODEL+ADAPTER the tensors that the adapter changes
function Model:adapted() end
---@return Model # the others
function Model:rest() end
---Trainable numbers that begin at `init`: one for each input column of a linear layer, hidden dimension of an embedding and
---element of a norm, one for a bias. `scope` and `only` limit what is learned; what is left out stays at `init`.
---@param init number
---@param options? CoefficientOptions
---@return Coefficients
function Model:columns(init, options) end
---One trainable number an element, such as a mask: c:sigmoid() * tau. Learning takes 16 bytes for each.
---@param init number
---@param options? CoefficientOptions
---@return Coefficients
function Model:elements(init, options) end
---One trainable number a tensor.
---@param init number
---@param options? CoefficientOptions
---@return Coefficients
function Model:tensors(init, options) end
---One trainable number for the model.
---@param init number
---@param options? CoefficientOptions
---@return Coefficients
function Model:scalars(init, options) end

---What adapter{...} gives: a result, and nothing to compute with.
---@class Adapter

---A model as one vector.
---@class Flat
local Flat = {}
---@return Scalar
function Flat:total() end
---@return Scalar
function Flat:mean() end
---@return Scalar
function Flat:norm() end
---@return Scalar
function Flat:peak() end
---@param y Flat
---@return Scalar
function Flat:dot(y) end
---@param y Flat
---@return Scalar
function Flat:cosine(y) end
---@param q number
---@return Scalar
function Flat:quantile(q) end
---@param k integer
---@return Scalar
function Flat:kth_magnitude(k) end

---@class List: Elements
---@operator concat(List|table): List
---@operator len: integer
---@field [integer] any
local List = {}
---@param f fun(item: any, index: integer): any
---@return List
function List:map(f) end
---@param score fun(model: Model): number greater is better
---@return List
function List:best_first(score) end
---@return List # the members flattened
function List:flat() end
---@return List # of each member its tensors of two dimensions and more
function List:matrices() end
---@return List # of each member the others
function List:rest() end
---@param glob string|Model|List a list: of each member what its own says; so in what follows
---@return List # of each member its tensors of these names
function List:only(glob) end
---@param glob string|Model|List
---@return List # of each member the others
function List:except(glob) end
---@param other Model|List
---@param options? { add?: boolean }
---@return List # each member with these tensors in the place of its own
function List:with(other, options) end
---@param from string|fun(name: string): string?
---@param to? string
---@return List # each member with other names
function List:rename(from, to) end
---@param first integer|integer[]
---@param last? integer|{ of?: string, beside?: "all"|"before"|"after"|"none" }
---@param options? { of?: string, beside?: "all"|"before"|"after"|"none" }
---@return List # of each member these layers
function List:layers(first, last, options) end
---@param name string
---@return List # of each member that part
function List:part(name) end
---@return List # of zeros
function List:zeros() end
---@param init number
---@param options? CoefficientOptions
---@return List # coefficients of every member; see Model:columns
function List:columns(init, options) end
---@param init number
---@param options? CoefficientOptions
---@return List # coefficients of every member
function List:tensors(init, options) end
---@param init number
---@param options? CoefficientOptions
---@return List # coefficients of every member
function List:elements(init, options) end
---@param init number
---@param options? CoefficientOptions
---@return List # coefficients of every member
function List:scalars(init, options) end
---@return List # of coefficients: exp(c_i) / sum_k exp(c_k), number by number
function List:softmax() end
---@return Scalar # of coefficients: the sum over members and tensors of ||c||_1
function List:l1() end
---@return Scalar # of coefficients: the sum over members and tensors of ||c||_2
function List:l2() end

---A stream of random numbers; its labels and the tensor's name say which.
---@class Seed
local Seed = {}
---@param ... string|number
---@return Seed
function Seed:at(...) end
---@return number
function Seed:uniform() end
---@return number # standard normal
function Seed:normal() end
---Drawn while planning, and recorded in the lock file; each call draws anew.
---@param a number above 0
---@param b number above 0
---@return number
function Seed:beta(a, b) end
---@param n integer
---@param alpha number
---@return List # n numbers that sum to 1
function Seed:dirichlet(n, alpha) end

---How many singular values: a number, at most the smaller side; a share of that; or as many as hold a share of the sum of squares, which
---only the merge knows: then the others are 0.
---@alias Rank integer|{ share: number }|{ energy: number }

---u * diag(s) * v is x: orthonormal columns u, values s from the largest, orthonormal rows v. With a rank up to an eighth of the smaller
---side they are found by sampling, within a bound that src/num/svd.h tells; else exactly. The sign of a pair makes the first of the
---largest |u| positive. Matrices are computed with one tensor at a time, in memory; of several in a tensor each on its own.
---@param x Value
---@param rank? Rank
---@return Value u
---@return Value s
---@return Value v
function svd(x, rank) end
---@param x Value
---@param rank Rank
---@return Value # the nearest matrix of that rank
function low_rank(x, rank) end
---A tensor that makes `loss` small, found from `start` on in `steps` steps against the loss's gradient, without data; of models and lists
---tensor by tensor. `loss` runs once, on what stands for the tensors, and gives one number for each. A step is Adam's (0.9, 0.999, 1e-8), or
---x - rate * gradient ("descent"; "momentum" of 0.9 before); `direction` makes of the gradient what the step goes along, such as a projection of it. What the loss
---reads beside x is kept in memory. Derivatives are those of elementwise operations, sums, dots, norms and cosines (of rows, too), matmul,
---solve, slices, joins, T, reshape, diagonal and the scaling of rows and columns.
---@param settings { start: Value|List, loss: (fun(x: any): any), steps: integer, rate: Number|List, optimizer?: "adam"|"descent"|"momentum", direction?: (fun(gradient: any, x: any): any) }
---@return any # as `start`
function minimise(settings) end
---@param x Value
---@return Value # the nearest orthogonal matrix, u * v of the svd; what x lacks (2^-20 of its largest value) stays 0
function orthogonal(x) end
---@param x Value
---@return Value q orthonormal columns
---@return Value r upper triangular, its diagonal not below 0
function qr(x) end
---@param x Value|table symmetric; or a list of rows, each a list of as many numbers: the results are lists of numbers and of rows then
---@return Value w the eigenvalues, ascending
---@return Value e eigenvectors, in columns
function eigh(x) end
---@param x Value
---@param y Value
---@return Value # the matrix product
function matmul(x, y) end
---@param a Value|table square; a singular one is an error. Or a list of rows, each a list of as many numbers (lazy ones, or one a tensor)
---@param b Value|table a matrix; of such rows a list of as many numbers
---@return Value # x, where matmul(a, x) is b; of rows of numbers a list of numbers
function solve(a, b) end
---@param x Value|table a matrix, or a list of rows of as many numbers: of these it gives such a list
---@return Value # the pseudo-inverse; values up to max(rows, columns) * 2^-23 of the largest count as 0
function pinv(x) end
---@param cost Value
---@return Value # 1 where row and column go together so that their costs are least in sum, else 0: a permutation, for matmul
function assign(cost) end

---@class Recipe
---@overload fun(arguments: table): Model
---@class Argument

---@alias Limits { min?: number, max?: number, whole?: boolean }

---@class ArgumentForms
---@overload fun(name: string, default: number|string|boolean, doc: string, limits?: Limits): Argument
---@field maybe fun(name: string, doc: string, limits?: Limits): Argument
---@field choice fun(name: string, words: string[], doc: string): Argument
---@field words fun(name: string, words: string[], doc: string): Argument a list of some of the words; all by default
---@field profile fun(words: table<string, table<string, any>>): Argument other defaults under each word; `paper` are those declared
---@field each fun(name: string, default: number, doc: string, limits?: Limits): Argument
---@field model fun(name: string, doc: string, options?: { optional?: boolean }): Argument
---@field models fun(name: string, doc: string, limits?: { min?: integer, max?: integer, optional?: boolean }): Argument
---@field parts fun(name: string, doc: string, limits?: { min?: integer, max?: integer, optional?: boolean, of?: string }): Argument models, each with a range of its layers, typed as MODEL:FIRST-END; of: the text argument that names their stack
---@field adapter fun(name: string, doc: string, limits?: { optional?: boolean }): Argument # given as the base with it added
---@field adapters fun(name: string, doc: string, limits?: { min?: integer, max?: integer, optional?: boolean }): Argument
---@field seed fun(): Argument
---@field score fun(): Argument `a.score(model)`; with --score NAME=COMMAND... `a.score.NAME(model)`, and a.score is the mean of all
---@field calibration fun(): Argument `a.data`: the files of --data (`#a.data`: how many); also lets --window and --coefficients in
---@field from fun(recipe: Recipe, ...: string|table): Argument
arg = {}

---@param parts table a sentence, `paper =`, arguments, and a function(a) that gives a model
---@return Recipe
function recipe(parts) end
---@param name string a built-in recipe, or NAME.lua beside this file or in a home of own recipes (MOONWELD_PATH)
---@return Recipe|table # a recipe, an architecture, or what a module's file returns: a table of functions and values
function require(name) end
--- A part of a packed recipe, as `moonweld pack` writes it: `require(name)` gives what the function returns, before any file is looked for.
---@param name string
---@param f fun(_ENV: table): Recipe|table
function part(name, f) end
---@param a Operand
---@param b Operand
---@param t Number
---@return Value # (1-t)*a + t*b; a itself at 0, b itself at 1
function lerp(a, b, t) end
---The layers of the models one behind the other; what precedes the layers is the first model's, what follows the last one's.
---`of` names the stack where there are several.
---@param parts (Model|table<string, Tensor>)[]|{ of?: string }
---@return Model
function stack(parts) end
---A result that is no model: a LoRA, a folder for peft, that adds alpha / rank * B A to the weights of the base. A [rank, in] and B
---[out, rank] are under the names of the base's weights; without alpha it is the rank. `base` is the donor unless told.
---@param parts { A: Model|table<string, Tensor>, B: Model|table<string, Tensor>, alpha?: number, base?: Model }
---@return Adapter
function adapter(parts) end
---Below one another ("row"), or side by side ("column").
---@generic T: Elements
---@param parts T[]|{ along?: "row"|"column" }
---@return T
function join(parts) end
---@param shape integer[]
---@return Tensor # of zeros, which no file holds
function zeros(shape) end
---@param value number|Scalar
---@param shape integer[]
---@return Tensor # whose elements are all that number
function constant(value, shape) end
---@param list List|table
---@return Value
function sum(list) end
---@param list List|table
---@return Value
function mean(list) end
---@param list List|table
---@return Value
function min(list) end
---@param list List|table
---@return Value
function max(list) end
---@param items table
---@return List
function models(items) end
---@param items table
---@return List # of models, tensors or numbers
function list(items) end
---@param items List|table
---@return List # the members in rising order, element by element
function sort(items) end
---@param items List|table
---@return Value # element by element; of an even number the mean of the middle two
function median(items) end
---@param items List|table
---@return Value # the variance over the members, element by element
function var(items) end
---@param items List|table
---@return Value # the standard deviation over the members, element by element
function std(items) end
---@param items List|table
---@return Value # the place of the smallest member, from 1, the first of equal ones
function argmin(items) end
---@param items List|table
---@param by Number a place from 1
---@return Value # the member at that place
function choose(items, by) end
---@param items List|table
---@return List # of lists: [i][j] is the inner product of members i and j
function dots(items) end
---@param x Value
---@param y Value
---@return Scalar # x:dot(y)
function dot(x, y) end
---@param values number[] layer l of L reads position l/(L-1)
---@return Field
function layers(values) end
---@param entries table { {glob, number or field}, ..., default }
---@return Field
function pick(entries) end

---A number looked for in several places, as mergekit looks for a parameter: the first place that says something of a tensor counts. A
---place is a number, a gradient {0, 1} over the layers, or a list of {filter = TEXT, value = NUMBER OR GRADIENT}, where the text is a
---part of the tensor's name. Outside of the layers a gradient stands at its first number. `layers` are the numbers, in the file, of
---the layers that a part of a model has.
---@param places { of: string, default?: number, layers?: integer[], [integer]: any }
---@return Field
function setting(places) end
---The list trimmed, with what disagrees with the elected sign set to 0.
---@param list List|table
---@param density Number
---@param options? { per?: "tensor"|"model", count?: "ties"|"exact"|"some", weight?: any, drawn?: "majority"|"plus" }
---@return List
function sign_trim(list, density, options) end
---The mean over those members that are not 0, weighted where weights are given; 0 where all are.
---@param list List|table
---@param weight? any one for all, or a list
---@return Value
function disjoint_mean(list, weight) end

-- ---- learning ----

---@alias CoefficientOptions { scope?: string[]|List, only?: string } `scope`: "linear" (with its biases), "norm", "embedding", as the architecture classes tensors; `only`: a glob

---Trainable numbers for the tensors of one model. Element by element they behave as tensors do; times a model they scale it.
---@class Coefficients: Elements
local Coefficients = {}
---@return Scalar # the sum over tensors of ||c||_1
function Coefficients:l1() end
---@return Scalar # the sum over tensors of ||c||_2
function Coefficients:l2() end

---The files of --data; `#data` is how many there are, `data[i]` one of them alone.
---@class Data
---@operator len: integer
---@field [integer] Data
---Token windows of one file, not known before training runs.
---@class Batch
---What a network computes for a batch: a tensor [tokens, width]. `+ - * /`, the elementwise methods and :total() work on it.
---@class Activation: Elements
---A forward pass, with the class of every tensor.
---@class Architecture

---Coefficients that make `loss` small. `loss` runs once, on symbolic batches (one for each file of --data), and gives one
---number; a step takes `windows` windows of every file, in an order drawn from `seed`, and AdamW (betas 0.9, 0.999, eps 1e-8)
---takes a step. "mofo" moves only the `share` of each coefficient's elements that has the largest momentum.
---@param settings { start: Coefficients|List, loss: (fun(c: any, batch: List): Scalar), data: Data, steps: integer, windows?: integer, rate?: number, seed?: Seed, optimizer?: "adamw"|"mofo", share?: number, decay?: number, clip?: number }
---@return any # as `start`, learned
function learn(settings) end
---What a model makes of a batch. One that was given runs as its own config.json says, a merge as the first model's does.
---@param model Model
---@param batch Batch
---@param forward? Architecture|fun(w: fun(name: string, optional?: boolean): Tensor?, batch: Batch, config: Config): Activation by config.json unless given
---@return Activation # [tokens, vocabulary]
function logits(model, batch, forward) end

---What is found from data before the merge, layer by layer, so that memory is that of one layer, not of the model. Of several files it is
---the mean over all tokens, or over all windows. The values are tensors like those of a model; to return them say x:unweighed().

---Texts as data: each one window, whole, behind the BOS token of the donor's tokenizer. Of lists of texts, as of so many files: an empty
---list is one with nothing in it, #data[i] == 0.
---@param texts string[]|string[][]
---@return Data
function prompts(texts) end

---@param model Model
---@param data Data every id of every window is read
---@param options? { forward?: Architecture|function }
---@return Model # for each linear layer, under the name of its weight, X'X / tokens, [in, in]
function gram(model, data, options) end
---@param model Model
---@param data Data
---@param options? { forward?: Architecture|function }
---@return Activations # what each linear layer reads, under the name of its weight
function inputs(model, data, options) end
---@param model Model
---@param data Data
---@param options? { forward?: Architecture|function }
---@return List # of Activations: what layer l reads is member l + 1
function hidden(model, data, options) end
---@param model Model
---@param data Data a window predicts each of its ids from those before
---@param options? { forward?: Architecture|function }
---@return Model # for each element the mean over windows of the squared gradient of the window's cross-entropy
function fisher(model, data, options) end
---@param loss fun(batch: Batch): Scalar made of logits(model, batch), for a batch of one window
---@param model Model
---@param data Data
---@return Model # the mean over windows of the loss's gradient
function gradient(loss, model, data) end

---Activations of all tokens of the data. They are not stored: what is found of them is, for each column over the tokens; with
---at = "last" over each window's last token; a mean with at = "each" is that of each window's own mean. A tensor, or of `inputs` a model of tensors.
---@class Activations
local Activations = {}
---@param f fun(x: Activation): Activation
---@return Activations # element by element, such as x:abs()
function Activations:map(f) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model
function Activations:mean(options) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model # the sum
function Activations:total(options) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model # the root of the sum of squares
function Activations:norm(options) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model # of the population
function Activations:var(options) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model
function Activations:std(options) end
---@param options { per: "column", at?: "last" }
---@return Tensor|Model # the largest absolute
function Activations:peak(options) end

---@param c List coefficients
---@return Scalar # the mean cosine of all pairs, summed over tensors
function cosine_penalty(c) end
---@param teacher Activation
---@param student Activation
---@param options? { temperature?: number }
---@return Scalar # T^2 * KL(softmax(teacher/T) || softmax(student/T)), mean over tokens
function kl(teacher, student, options) end
---@param logits Activation
---@param batch? Batch
---@return Scalar # nats a predicted token
function cross_entropy(logits, batch) end
---@param logits Activation
---@return Scalar # nats a token
function entropy(logits) end
---@param x Activation
---@param y Activation
---@return Scalar # mean over tokens and columns of (x - y)^2
function mse(x, y) end

---What config.json says, for a forward pass; an option that it does not know is an error (69) that names it.
---@class Config
---@field count fun(key: string, default?: integer): integer a whole number from 1
---@field number fun(key: string, default?: number): number above 0
---@field flag fun(key: string): boolean
---@field word fun(key: string, words: string[], default?: string): string one of the words, the first by default
---@field window fun(layer: integer, switch?: string): integer how many positions back a layer sees; 0: all
---@field enter fun(layer: integer, x: Activation) tells that a layer, counted from 0, reads x: hidden() gives these
---@field rotary fun(width: integer): number[] angles a position, scaled as rope_scaling says (default, linear, llama3)

---@param parts table a sentence, `paper =`, `types =` (model_type), `classes = { {glob, "linear"|"norm"|"embedding"|"bias"}, ... }`, and function(w, batch, config)
---@return Architecture
function architecture(parts) end
---@param batch Batch
---@param weight Value [vocabulary, width]
---@return Activation # [tokens, width]
function embedding(batch, weight) end
---@param x Activation [tokens, in]
---@param weight Value [out, in]
---@param bias? Value [out]
---@return Activation # [tokens, out]
function linear(x, weight, bias) end
---@param x Activation
---@param gain Value [m]; every run of m values of a row is normalised by itself
---@param eps number
---@return Activation
function rms_norm(x, gain, eps) end
---@param x Activation
---@param gain Value
---@param bias Value
---@param eps number
---@return Activation
function layer_norm(x, gain, bias, eps) end
---Of every head of 2 * #frequencies values, the pair (j, j + #frequencies) is turned by position * frequencies[j].
---@param x Activation
---@param frequencies number[]
---@return Activation
function rope(x, frequencies) end
---Causal within a window of data, scaled by 1 / sqrt(width of a head).
---@param q Activation [tokens, heads * d]
---@param k Activation [tokens, groups * d]
---@param v Activation [tokens, groups * d]
---@param options { heads: integer, groups?: integer, window?: integer } `window`: positions that are seen, the own included; 0: all
---@return Activation # [tokens, heads * d]
function attention(q, k, v, options) end
---@param x Activation
---@return Activation # x / (1 + exp(-x))
function silu(x) end
---@param x Activation
---@param form? "erf"|"tanh"
---@return Activation
function gelu(x, form) end
---@param x Activation|List
---@return Activation|List # over the last dimension; of a list over its members, number by number
function softmax(x) end
---@param x Activation
---@return Activation
function log_softmax(x) end

-- ---- the module: `local mw = require "moonweld"` in a program ----
-- What is unknown, of another type or out of range is an error that names it. A callback that returns false stops the work, as
-- does an error in it, which is then the one that is raised. Callbacks cannot yield.

---Options are named as on the command line, with '_' for '-'. Numbers may be texts, where an integer of Lua cannot hold them; sizes
---such as "5GB". What stands before `progress` is made of options.def by `make docs`.
---@class MergeOptions
---@field output? string the folder to make; NAME.safetensors makes one file, with NAME.lock.json and NAME.md beside it
---@field result? string of a recipe with several results (`return model, { NAME = ... }`) the one that is written
---@field also? string|string[] further results of the recipe, each written after the first as a merge of its own
---@field force? boolean replace an output that moonweld made
---@field dtype? "f32"|"f16"|"bf16"|"f64"|"keep"|"widest" of the output; keep (default): the first model's, tensor by tensor; widest: the least that holds what each tensor is made of
---@field shard_size? integer|string tensor bytes a file (default 5GB; GB is 10^9 bytes, GiB 2^30)
---@field threads? integer|string default: OMP_NUM_THREADS, else all cores; results do not depend on it
---@field seed? integer|string of everything drawn at random (default 0)
---@field score? string|string[]|fun(folder: string): number measures a candidate: {dir} is its folder, the last number printed counts, greater is better
---@field score_jobs? integer|string commands of --score that run side by side; {job} is the place of each, from 0 (default 1)
---@field score_timeout? number seconds that a command may take
---@field data? string|string[] what a recipe learns from: token windows (.safetensors, .jsonl) or texts
---@field window? integer|string tokens a window of text (default 256)
---@field coefficients? string a coefficients.safetensors that learning starts from
---@field no_sync? boolean do not wait until the output is on the disk: for scratch work, a power cut may spoil it
---@field durable? boolean wait until the output is on the disk before saying that it is done: the default
---@field no_hash? boolean compute no checksums of inputs and output: nobody can verify it later
---@field verify? boolean read every file back from the disk before the output is published, and compare its checksum
---@field copy_code? boolean carry the model's *.py files too
---@field donor? string whose config, tokenizer and side files the output has: an input, as 'experts[1]' or as typed
---@field chat_template? string the output's chat template: of an input, a folder or a file; alpaca, chatml, llama3, mistral, exaone, or a template itself; auto: the one that most inputs have
---@field tokenizer? string whose tokenizer the output has: base (the donor's), union (with the tokens of all others), an input or a folder;
---@field tokens? string with --tokenizer, from where rows of single tokens come: JSON, or a file of it (README)
---@field pad_vocabulary? integer|string with --tokenizer, rows are added up to a multiple of N: the mean of the others
---@field stand_in? string|string[] with --tokenizer, the inputs whose rows stand in for those that another lacks, in the PART embeddings or heads (default: all)
---@field rename? string|string[] give tensors of an input other names, as in 'experts[1]:_orig_mod.*=*'; without ARG of every input that it helps;
---@field allow? string|string[] let a finding through that would stop the merge; it is said what that does
---@field missing? "base" tensors that a model lacks are the first model's
---@field donor_integers? boolean integer tensors and buffers, such as position_ids and inv_freq, may differ: the donor's are taken
---@field nonfinite? "keep" NaN and infinities do not stop the merge
---@field tied? "untie"|"ignore"|"store" what to do with a head that differs from a tied embedding; store: where an input stores a head, so does the output
---@field recipe_seconds? number CPU time a recipe may take (default 1, and 1 more for every 1000 tensors)
---@field recipe_memory? integer|string memory a recipe may take (default 256MB)
---@field strict? boolean of a mergekit file: keys that mergekit ignores, and configurations or tokenizers that do not fit, are errors
---@field progress? fun(done: integer, total: integer, pass: integer): boolean? bytes; total is 0 while a score is measured
---@field learning? fun(facts: LearningFacts): boolean? after every step
---@field scored? fun(score: Score): boolean?
---@field print? fun(line: string): boolean? a line that the recipe prints; without it they are not shown
---@field explain? boolean of `plan` only: with `explained`, the number that every tensor gets of an argument that varies, and `findings`

---@class LearningFacts
---@field training integer from 1
---@field trainings integer
---@field step integer from 1
---@field steps integer
---@field loss number before the step

---@class Score
---@field candidate integer from 1
---@field score number greater is better
---@field seconds number making and measuring it
---@field made_of string "models[1], models[3]"
---@field by? string which score, where they have names

---The document of `moonweld plan --json`.
---@class Plan
---@field recipe string
---@field arguments table<string, string|string[]> as typed or by default
---@field passes integer
---@field bytes_read integer
---@field bytes_written integer
---@field peak_memory integer private bytes, an upper bound
---@field tensors integer
---@field outputs { file: string, bytes: integer }[]
---@field donor string
---@field config? table what config.json gets beside its donor's; of an adapter, all of its adapter_config.json
---@field components? PlanComponent[] of whole pipelines
---@field candidates? integer to be scored, if all score alike
---@field learning? table[]
---@field findings? string[] with the option `explain`: the warnings
---@field explained? { argument: string, tensor: string, number: number }[] with the option `explain`

---A component of whole pipelines of diffusers. `carried`: why the donor's passes through as it is.
---@class PlanComponent
---@field name string
---@field carried? string
---@field passes integer
---@field bytes_read integer
---@field bytes_written integer
---@field peak_memory integer
---@field tensors integer

---The document of `moonweld inspect --json`.
---@class Inspection
---@field path string
---@field tensors { name: string, dtype: string, shape: integer[], bytes: integer, file: string, min?: number, max?: number, mean?: number, norm?: number, nonfinite?: integer }[]

---A row of `moonweld diff --json`. A number that is not known is nil, as is a model's part where it has no such tensor.
---@class Difference
---@field tensor string
---@field layer string
---@field state "same"|"differs"|"only_a"|"only_b"|"only_base"|"no_base"|"shape"|"dtype"
---@field relative_delta? number
---@field changed? number
---@field cosine? number
---@field sign_conflict? number
---@field delta_a? number
---@field delta_b? number
---@field changed_a? number
---@field changed_b? number
---@field a? { dtype: string, shape: integer[] }
---@field b? { dtype: string, shape: integer[] }
---@field base? { dtype: string, shape: integer[] }

---@class Evaluation
---@field data string
---@field loss number nats a predicted token
---@field perplexity number
---@field tokens integer predicted

---The document of `moonweld verify --json`.
---@class Verified
---@field good boolean
---@field findings { path: string, state: "changed"|"missing"|"extra"|"edited", text: string }[]
---@field files integer that were read
---@field bytes integer
---@field sealed integer files whose SHA-256 is the sealed one

---`#m` is the number of its tensors, `m[name]` one of them.
---@class OpenModel
---@field names fun(self: OpenModel): string[] in byte order
---@field tensor fun(self: OpenModel, name: string): OpenTensor also of a name that a method has
---@field close fun(self: OpenModel)
---@field [string] OpenTensor

---`#t` is the number of its elements. Numbers are of the values as they are stored, as double.
---@class OpenTensor
---@field name string
---@field dtype string "BF16"
---@field shape integer[]
---@field slice fun(self: OpenTensor, ranges?: { rows?: integer[], columns?: integer[] }): number[][]|number[] { first, end } from 0, without end; rows of numbers, of a vector one list; dimensions before the last are rows one behind the other
---@field norm fun(self: OpenTensor): number
---@field mean fun(self: OpenTensor): number
---@field total fun(self: OpenTensor): number
---@field min fun(self: OpenTensor): number
---@field max fun(self: OpenTensor): number

---@class moonweld
---@field version string
local moonweld = {}

---@alias ModuleArgument string|number|boolean|string[]|number[]

---Plans the merge and runs it.
---@param recipe string a recipe's name, a file with a '/' or .lua, or the text of a recipe of several lines
---@param arguments table<string, ModuleArgument> lists where there may be several
---@param options MergeOptions with `output`
---@return Plan
---@return string[] warnings
function moonweld.merge(recipe, arguments, options) end
---Reads headers only, and writes nothing.
---@param recipe string
---@param arguments table<string, ModuleArgument>
---@param options? MergeOptions
---@return Plan
---@return string[] warnings
function moonweld.plan(recipe, arguments, options) end
---@param path string a model
---@param options? { stats?: boolean }
---@return Inspection
---@return string[] warnings
function moonweld.inspect(path, options) end
---@param a string a model
---@param b string
---@param options? { base?: string, html?: string, threads?: integer, progress?: fun(done: integer, total: integer, pass: integer): boolean? }
---@return Difference[]
---@return string[] warnings
---@overload fun(models: string[], options?: table): table[], string[] # of several models: an object a pair, as in .github/JSON.md
function moonweld.diff(a, b, options) end
---Writes a page about an output: what it was made of and by, and what the merge did to each input.
---@param output string a folder, a lone file, or its lock
---@param options { html: string, models?: string, input?: string|string[], threads?: integer, progress?: fun(done: integer, total: integer, pass: integer): boolean? }
---@return string[] warnings
function moonweld.report(output, options) end
---`progress` is told of windows: done, of how many, of which file.
---@param model string
---@param options { data: string|string[], window?: integer, threads?: integer, progress?: fun(done: integer, total: integer, file: integer): boolean? }
---@return Evaluation[] # one for each file
function moonweld.eval(model, options) end
---A model to look at. Nothing is read before values are asked for. It closes by itself, or `local m <close> = mw.open(path)`.
---@param path string a folder, a file, a model of the hub's cache, or MODEL+ADAPTER
---@return OpenModel
function moonweld.open(path) end
---Curves as an SVG picture, in the place of `file` (which is absent, or such a picture).
---@param picture { file: string, x: string, y: string, values: (string|number)[], labels: string[], curves: number[][] } a curve for each label ("" for a curve alone), a number for each value; nil is no point
function moonweld.plot(picture) end
---@return string[] # names of the built-in recipes, sorted, then of your own in their homes
function moonweld.recipes() end
---Holds an output against its lock. What is not as it was recorded is a finding, no error.
---@param output string a folder, a lone file, or its lock
---@param options? { inputs?: boolean, models?: string, input?: string|string[], progress?: fun(done: integer, total: integer): boolean? } `models`: a folder below which inputs are looked for; `input`: "NAME=PATH", where one lies now
---@return Verified
function moonweld.verify(output, options) end
---Makes an output again from its lock, and compares the bytes. An input that is not here is an error.
---@param output string
---@param options { output: string, models?: string, input?: string|string[], threads?: integer, force?: boolean, no_sync?: boolean, progress?: fun(done: integer, total: integer, pass: integer): boolean?, print?: fun(line: string): boolean? }
---@return Verified
function moonweld.rebuild(output, options) end
---Writes the SHA-256 of every file into OUT/moonweld/seal.json.
---@param output string
---@param options? { progress?: fun(done: integer, total: integer): boolean? }
---@return { sha256: string } # the root digest of OpenSSF Model Signing
function moonweld.seal(output, options) end
---Removes what a merge that was stopped has left beside an output.
---@param output string
---@return { path: string, bytes: integer }[] # what that was, with its bytes on the disk
function moonweld.clean(output) end

return moonweld
